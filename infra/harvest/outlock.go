package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// scratchPrefix begins the names of the folders of temporary files in an output folder.
const scratchPrefix = ".harvest-scratch-"

// lockPrepared locks an output folder by lockOut, and then calls prepare, which returns an error if the command must
// not write to the folder. While the command waited, another program may have changed the folder. Temporary folders of
// killed commands are removed.
func lockPrepared(ctx context.Context, dir string, notes io.Writer, prepare func() error) (unlock func(), err error) {
	unlock, err = lockOut(ctx, dir, notes)
	if err != nil {
		return nil, err
	}
	if err = removeScratch(dir); err == nil {
		err = prepare()
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// removeScratch removes the temporary folders in a locked output folder. Only a killed command can have left them.
func removeScratch(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), scratchPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("removing temporary files of a killed command: %w", bucket.MachineFault(dir, err))
	}
	return nil
}

// lockOut makes an output folder, waits until no other command writes to it, and returns a function that ends the lock.
// If it has to wait, it says so in notes. On file systems without locks, commands do not wait for each other.
func lockOut(ctx context.Context, dir string, notes io.Writer) (unlock func(), err error) {
	return lockFolder(ctx, dir, makeOut, notes)
}

// lockExisting does the same as lockOut, but does not make the folder: its error is fs.ErrNotExist.
func lockExisting(ctx context.Context, dir string, notes io.Writer) (unlock func(), err error) {
	return lockFolder(ctx, dir, func(dir string) error {
		_, err := os.Stat(dir)
		return err
	}, notes)
}

// lockFolder calls makeDir before each attempt to lock the folder.
func lockFolder(
	ctx context.Context, dir string, makeDir func(string) error, notes io.Writer,
) (unlock func(), err error) {
	const pause = 50 * time.Millisecond
	for {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		lock := newOutLock(dir)
		held, err := lock.TryLock()
		if err == nil && !held {
			fmt.Fprintf(notes, "harvest: waiting until another command has written to %s\n", dir)
			_, err = lock.TryLockContext(ctx, pause)
		}
		if ctx.Err() != nil {
			_ = lock.Close()
			return nil, ctx.Err()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // removeUnlocked removed it before it was opened
		case err != nil || locksFolder(lock, dir):
			return func() { _ = lock.Close() }, nil
		}
		_ = lock.Close()
	}
}

func newOutLock(dir string) *flock.Flock { return flock.New(dir, flock.SetFlag(os.O_RDONLY)) }

// locksFolder reports whether the locked folder is still the folder with this path. Another command may have removed it
// in the meantime.
func locksFolder(lock *flock.Flock, dir string) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(dir)
	return err == nil && os.SameFile(locked, there)
}

// removeUnlocked removes an empty folder to which no command writes. It reports whether it removed the folder.
func removeUnlocked(dir string) bool {
	lock := newOutLock(dir)
	if held, err := lock.TryLock(); err == nil && !held {
		return false
	}
	defer lock.Close()
	return os.Remove(dir) == nil
}
