//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks a file until this process and all processes that inherited it have closed it. It returns errLocked if
// another process has the lock.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// detached protects a child from ctrl-C, which should end only serve.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
