package main

import (
	"context"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// lockOut makes an output folder, waits until no other command writes to it, and returns a function that ends the lock.
// On file systems without locks, commands do not wait for each other.
func lockOut(ctx context.Context, dir string) (unlock func(), err error) {
	const pause = 50 * time.Millisecond
	if err := makeOut(dir); err != nil {
		return nil, err
	}
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryLockContext(ctx, pause); ctx.Err() != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}
