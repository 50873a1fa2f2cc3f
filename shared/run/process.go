package run

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// A Process identifies a process that works on runs.
type Process struct {
	// ID distinguishes the process from every other process that works on the same bucket.
	ID string
	// Gone reports whether the process with an ID has ended. Then its published messages are lost, too. Gone is nil if
	// processes cannot detect each other, as in the cloud. Then a process counts as ended when its deliveries have timed
	// out, and a separate queue keeps the messages.
	Gone func(id string) bool

	lock *flock.Flock
}

// NewProcess returns a Process that cannot detect other processes.
func NewProcess() Process { return Process{ID: rand.Text()} }

// OpenProcess registers this process with the other processes of a machine. While a process runs, it locks its own file
// in the folder. So the other processes can detect immediately that a process was killed.
func OpenProcess(folder string) (Process, error) {
	p := NewProcess()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return p, bucket.MachineFault(folder, err)
	}
	p.Gone = func(id string) bool { return gone(filepath.Join(folder, id)) }
	p.lock = flock.New(filepath.Join(folder, p.ID))
	held, err := p.lock.TryLock()
	if err == nil && !held {
		err = fs.ErrExist
	}
	if err != nil {
		return p, bucket.MachineFault(folder, fmt.Errorf("locking %s: %w", p.lock.Path(), err))
	}
	return p, nil
}

// Close records that the process has ended.
func (p Process) Close() error {
	if p.lock == nil {
		return nil
	}
	return errors.Join(os.Remove(p.lock.Path()), p.lock.Unlock())
}

// ended reports whether another process is known to have ended.
func (p Process) ended(id string) bool { return p.Gone != nil && id != p.ID && p.Gone(id) }

// gone reports whether no process holds the lock of a file. It removes the file of a killed process. It uses a shared
// lock, so that several processes that check one file at the same time get the same result.
func gone(name string) bool {
	if _, err := os.Stat(name); err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	lock := flock.New(name)
	free, err := lock.TryRLock()
	if err != nil || !free {
		return false
	}
	// A file that stays does no harm, because no process will lock it again.
	_ = errors.Join(os.Remove(name), lock.Unlock())
	return true
}
