package bucket

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrUnreadable is the error of one object of this machine that exists but cannot be read: the mode of the file or of a
// folder in its path forbids reading, its part of the disk is damaged, or it is not a regular file. Other objects are
// not affected. A retry does not help until a person changes the file. If the file is not a regular file, the error is
// ErrNotExist, too.
var ErrUnreadable = errors.New("object cannot be read")

// A LinkError is the error of an object whose path has a symbolic link to a place outside of the bucket's folder. A
// Folder reads and writes nothing there. A LinkError is ErrUnreadable. Find it with errors.AsType[*LinkError].
type LinkError struct {
	Folder string // the bucket's folder
}

// Error names the folder.
func (e *LinkError) Error() string { return "a link leads out of the folder " + e.Folder }

// Unwrap returns ErrUnreadable.
func (e *LinkError) Unwrap() error { return ErrUnreadable }

// A MachineError is a fault of this machine that affects all objects, and that a retry does not fix: for
// example, the disk is full or read-only, or the folder's mode forbids its use. Find it with
// errors.AsType[*MachineError].
type MachineError struct {
	Folder string // the bucket's folder
	Err    error
}

// Error names the folder, the fault and its fix.
func (e *MachineError) Error() string {
	fix := "let this user read and write it (chown, chmod), or use another folder"
	switch {
	case errors.Is(e.Err, syscall.ENOSPC):
		fix = "free space on its disk, or use a folder on another disk"
	case errors.Is(e.Err, syscall.EDQUOT):
		fix = "free space within your disk quota, or use a folder on another disk"
	case errors.Is(e.Err, syscall.EROFS):
		fix = "mount its file system for writing, or use another folder"
	case errors.Is(e.Err, syscall.EFBIG):
		fix = "raise the limit on the size of a file (ulimit -f)"
	case errors.Is(e.Err, syscall.EIO):
		fix = "check its disk, or use a folder on another disk"
	case errors.Is(e.Err, ErrUnreadable):
		fix = "put a folder in the place of the link, or use another folder"
	}
	cause := e.Err
	if number, ok := errors.AsType[syscall.Errno](e.Err); ok {
		cause = number // without the name of the temporary file
	}
	return fmt.Sprintf("folder %s: %v; %s", e.Folder, cause, fix)
}

// Unwrap returns the system's error.
func (e *MachineError) Unwrap() error { return e.Err }

// MachineFault returns err, an error of writing in a folder, as a *MachineError if its cause affects all objects.
// Otherwise it returns err unchanged.
func MachineFault(folder string, err error) error {
	if _, known := errors.AsType[*MachineError](err); known {
		return err
	}
	if _, leadsOut := errors.AsType[*LinkError](err); leadsOut {
		return &MachineError{folder, err}
	}
	for _, target := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG, fs.ErrPermission} {
		if errors.Is(err, target) {
			return &MachineError{folder, err}
		}
	}
	return err
}

// MakingFault does the same as MachineFault for an error of making a folder and its parents. A *MachineError names the
// nearest of these folders that exists.
func MakingFault(folder string, err error) error {
	for {
		_, missing := os.Lstat(folder)
		parent := filepath.Dir(folder)
		if missing == nil || parent == folder {
			return MachineFault(folder, err)
		}
		folder = parent
	}
}

// readFault classifies an error of opening one file of a file system: as ErrNotExist, ErrUnreadable or, if even the
// file system's root cannot be read, a *MachineError. Other errors are returned unchanged.
func readFault(fsys fs.FS, place string, err error) error {
	switch {
	case absent(err):
		return ErrNotExist
	case !unreadable(err):
		return err
	}
	if _, root := fs.Stat(fsys, "."); unreadable(root) {
		return &MachineError{filepath.Clean(place), root}
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// unreadable reports whether an error of reading persists when reading is tried again.
func unreadable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EISDIR)
}

// A faultReader reads an opened object. It marks permanent errors of reading as ErrUnreadable.
type faultReader struct{ r io.Reader }

func (r faultReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if unreadable(err) {
		err = fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return n, err
}

// A faultWriter writes to a file in a folder. An error that affects the whole folder is a *MachineError.
type faultWriter struct {
	w      io.Writer
	folder string
}

func (w faultWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	return n, MachineFault(w.folder, err)
}

// ReadFrom lets the system copy from a file to a file.
func (w faultWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.w, r)
	return n, MachineFault(w.folder, err)
}
