//go:build unix

package bucket

import (
	"errors"
	"os"
	"syscall"
)

// LockFile locks a file until this process and all processes that inherited it have closed it. It does not wait: if
// another process has the lock, the error is ErrLocked. On systems without such locks it is errors.ErrUnsupported.
func LockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// linked reports whether an open file still has a name.
func linked(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	return !known || stat.Nlink > 0
}
