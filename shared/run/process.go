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

// A Process is what works on runs.
type Process struct {
	// ID distinguishes it from every other process that works on the same bucket.
	ID string
	// Gone reports whether the process of an ID has ended, and with it the messages that it published. It is nil where
	// processes do not know of each other: then one is taken for gone when its deliveries would have timed out, and
	// messages are kept by a queue of their own.
	Gone func(id string) bool

	lock *flock.Flock
}

// NewProcess is this process, which knows of no other.
func NewProcess() Process { return Process{ID: rand.Text()} }

// OpenProcess registers this process with the other processes of a machine. Each process locks its own file in the
// folder as long as it lives, so that the others notice immediately when it was killed.
func OpenProcess(folder string) (Process, error) {
	p := NewProcess()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return p, bucket.MachineFault(folder, err)
	}
	p.Gone = func(id string) bool { return gone(filepath.Join(folder, id)) }
	p.lock = flock.New(filepath.Join(folder, p.ID))
	if held, err := p.lock.TryLock(); err != nil || !held {
		return p, bucket.MachineFault(folder, fmt.Errorf("locking %s: %w", p.lock.Path(), errors.Join(err, fs.ErrExist)))
	}
	return p, nil
}

// Close lets the others know that the process has ended.
func (p Process) Close() error {
	if p.lock == nil {
		return nil
	}
	return errors.Join(os.Remove(p.lock.Path()), p.lock.Unlock())
}

// ended reports whether another process is known to have ended.
func (p Process) ended(id string) bool { return p.Gone != nil && id != p.ID && p.Gone(id) }

// gone reports whether no process holds the lock of a file. It removes a file that a killed process left. Several
// processes may ask about one file at the same time: with a shared lock they all get the same answer.
func gone(name string) bool {
	if _, err := os.Stat(name); err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	lock := flock.New(name)
	free, err := lock.TryRLock()
	if err != nil || !free {
		return false
	}
	// A file that stays does no harm: nobody will hold its lock again.
	_ = errors.Join(os.Remove(name), lock.Unlock())
	return true
}
