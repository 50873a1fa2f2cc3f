package bucket

import (
	"errors"
	"os"
)

// ErrLocked is the error of LockFile if another process has locked the file.
var ErrLocked = errors.New("it is locked by another process")

// hold locks a new temporary file until it is closed, so that no other process removes it. It reports whether the file
// still exists: another process may have removed it before. File systems without locks do not matter: there, abandoned
// is false.
func hold(file *os.File) bool { return !errors.Is(LockFile(file), ErrLocked) && linked(file) }

// abandoned reports whether the process that wrote a temporary file has ended. If so, it locks the file until it is
// closed. On systems without locks that end with their process, abandoned is false.
func abandoned(file *os.File) bool { return LockFile(file) == nil }
