//go:build !unix

package bucket

import (
	"errors"
	"os"
)

// LockFile returns errors.ErrUnsupported: this system has no locks that a process releases when it is killed.
func LockFile(*os.File) error { return errors.ErrUnsupported }

// linked is true: it is unknown whether another process has removed the file.
func linked(*os.File) bool { return true }
