//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks a file until it is closed by this process and by all that inherited it. errLocked says that others do.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// detached keeps a child from being stopped by ctrl-C, which ends serve alone.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
