//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile refuses: a locked file cannot be handed to a child here.
func lockFile(*os.File) error {
	return errors.New("--on-selection needs locks of files as Unix has them")
}

func detached() *syscall.SysProcAttr { return nil }
