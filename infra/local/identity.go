package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// An identity distinguishes the processes that work on one folder of runs. Each holds the lock of a file with its ID as
// long as it lives, so that others notice immediately when it was killed.
type identity struct {
	run.Process
	lock *flock.Flock
}

// identify makes an identity for a work bucket. Processes that share a bucket which is no folder do not know of each
// other.
func identify(work bucket.Bucket) (*identity, error) {
	id := rand.Text()
	disk, ok := work.(bucket.OnDisk)
	if !ok {
		return &identity{Process: run.Process{ID: id}}, nil
	}
	folder := filepath.Join(filepath.Dir(disk.Path(run.Root)), ".processes")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, bucket.MachineFault(folder, err)
	}
	lock := flock.New(filepath.Join(folder, id))
	if held, err := lock.TryLock(); err != nil || !held {
		return nil, bucket.MachineFault(folder, fmt.Errorf("locking %s: %w", id, errors.Join(err, fs.ErrExist)))
	}
	return &identity{
		Process: run.Process{ID: id, Gone: func(other string) bool { return gone(filepath.Join(folder, other)) }},
		lock:    lock,
	}, nil
}

// gone reports whether no process holds the lock of a file. It removes a file that a killed process left.
func gone(name string) bool {
	if _, err := os.Stat(name); err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	lock := flock.New(name)
	free, err := lock.TryLock()
	if err != nil || !free {
		return false
	}
	return errors.Join(os.Remove(name), lock.Unlock()) == nil
}

// close ends the identity. Its file goes last: until then the process is known to live.
func (i *identity) close() error {
	if i.lock == nil {
		return nil
	}
	return errors.Join(os.Remove(i.lock.Path()), i.lock.Unlock())
}
