package bucket

import (
	"context"
	"time"
)

// A Linker is a Bucket whose objects clients can fetch from the storage itself.
type Linker interface {
	// Link is an address from which an object can be fetched as a file of that name, by any client that has the address,
	// for so long; empty where the storage gives none, as an emulator. Whether the object is there is not looked at.
	Link(ctx context.Context, name, file string, valid time.Duration) (string, error)
}

// Link is the address of an object that a Linker gives; empty for another bucket.
func Link(ctx context.Context, b Reader, name, file string, valid time.Duration) (string, error) {
	if linker, ok := b.(Linker); ok {
		return linker.Link(ctx, name, file, valid)
	}
	return "", nil
}
