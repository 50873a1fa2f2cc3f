package bucket

import (
	"context"
	"time"
)

// A Linker is a Bucket whose objects clients can fetch from the storage itself.
type Linker interface {
	// Link is an address at which any client can fetch an object, as a file of that name, for the time valid. It is empty
	// if the storage gives none, as an emulator does. Link does not check whether the object exists.
	Link(ctx context.Context, name, file string, valid time.Duration) (string, error)
}

// Link is the address of an object that a Linker gives; empty for another bucket.
func Link(ctx context.Context, b Reader, name, file string, valid time.Duration) (string, error) {
	if linker, ok := b.(Linker); ok {
		return linker.Link(ctx, name, file, valid)
	}
	return "", nil
}
