package bucket

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged is an error of an object whose content is not what was written. Objects are created whole, so it was
// changed or cut short since.
var ErrDamaged = errors.New("object is damaged")

// A LostError is the error of an object that was written, as others say, and is gone or damaged. No step writes it
// again and no retry helps, until a person restores it or removes what was made together with it. Find it with
// errors.AsType[*LostError].
type LostError struct {
	Folder string // without it, all that was in it is made again: a path where the bucket is a folder, else a prefix
	Alone  bool   // that Folder is the object itself, which nothing else belongs to
	Again  string // how: "start the dataset again"
	Err    error  // names the object
}

// Lost is an error of reading an object that was written together with all others of a folder, a prefix of names: a
// *LostError if it is ErrNotExist or ErrDamaged. Again says how a folder that was removed is made again.
func Lost(b Reader, folder, again string, err error) error {
	if !errors.Is(err, ErrNotExist) && !errors.Is(err, ErrDamaged) {
		return err
	}
	if lost, known := errors.AsType[*LostError](err); known {
		return lost
	}
	path := strings.TrimSuffix(folder, "/")
	if disk, ok := b.(OnDisk); ok {
		path = disk.Path(folder)
	}
	return &LostError{Folder: path, Again: again, Err: err}
}

// LostAlone is Lost for an object that nothing else belongs to.
func LostAlone(b Reader, name, again string, err error) error {
	folder := name[:strings.LastIndexByte(name, '/')+1]
	lost, ok := errors.AsType[*LostError](Lost(b, folder, again, err))
	if !ok {
		return err
	}
	return &LostError{Folder: lost.Folder + name[max(len(folder)-1, 0):], Alone: true, Again: again, Err: err}
}

// Error names the object and the fix.
func (e *LostError) Error() string {
	what := "folder"
	if e.Alone {
		what = "file"
	}
	return fmt.Sprintf("%v; it was written whole before: restore it from a copy, or remove the %s %s and %s",
		e.Err, what, e.Folder, e.Again)
}

// Unwrap is the error of reading.
func (e *LostError) Unwrap() error { return e.Err }
