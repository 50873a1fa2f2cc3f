package bucket

import (
	"context"
	"time"
)

// A Linker is a Bucket whose objects clients can download from the storage itself.
type Linker interface {
	// Link returns a URL at which any client can download the object name, as a file named file, for the time valid. The
	// URL is empty if the storage cannot make one, such as an emulator. Link does not check if the object exists.
	Link(ctx context.Context, name, file string, valid time.Duration) (string, error)
}

// Link returns the URL of an object by the Linker b; empty if b is not a Linker.
func Link(ctx context.Context, b Reader, name, file string, valid time.Duration) (string, error) {
	if linker, ok := b.(Linker); ok {
		return linker.Link(ctx, name, file, valid)
	}
	return "", nil
}
