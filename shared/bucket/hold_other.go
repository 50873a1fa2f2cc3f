//go:build !unix

package bucket

import "os"

// hold does nothing: this system has no locks that a process releases when it is killed.
func hold(*os.File) bool { return true }

// abandoned is false: it is unknown whether the process that wrote a temporary file has ended.
func abandoned(*os.File) bool { return false }
