//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile always fails, because on this operating system a child process cannot inherit a locked file.
func lockFile(*os.File) error {
	return errors.New("--on-selection: it works only on Unix; remove it")
}

func detached() *syscall.SysProcAttr { return nil }
