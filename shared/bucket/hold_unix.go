//go:build unix

package bucket

import (
	"errors"
	"os"
	"syscall"
)

// hold locks a new temporary file until it is closed, so that no other process removes it. It reports whether the file
// still exists: another process may have removed it before. File systems without locks do not matter: there, abandoned
// is false.
func hold(file *os.File) bool {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return false
	}
	info, err := file.Stat()
	if err != nil {
		return false
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	return !known || stat.Nlink > 0
}

// abandoned reports whether the process that wrote a temporary file has ended. If so, it locks the file until it is
// closed.
func abandoned(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
