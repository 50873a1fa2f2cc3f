package bucket

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged is the error of an object whose content is not the content that was written. Objects are created whole, so
// it was changed or truncated later.
var ErrDamaged = errors.New("object is damaged")

// A LostError is the error of an object that is missing or damaged, although other objects show that it was written. No
// step writes it again, and no retry helps. A person has to restore it, or remove the folder that it was written with.
// Find a LostError with errors.AsType[*LostError].
type LostError struct {
	// Folder is the folder to remove before its objects are made again: a path if the bucket is a folder, else a prefix.
	Folder string
	Alone  bool   // Folder is the object itself: no other object depends on it, and a new object can replace it
	Again  string // how to make the objects again: "start the dataset again"
	Err    error  // names the object
}

// Lost returns err, an error of reading an object, as a *LostError if it is ErrNotExist or ErrDamaged. Otherwise it
// returns err unchanged. The object was written together with all other objects of folder, a prefix of names. again is
// the advice on how to make the folder again after its removal.
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

// LostAlone is Lost for an object on which no other object depends. A new object is stored next to a damaged one, so
// nothing has to be removed.
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
	if e.Alone {
		return fmt.Sprintf("%v; it was complete before: restore %s from a copy, or %s", e.Err, e.Folder, e.Again)
	}
	return fmt.Sprintf("%v; it was complete before: restore it from a copy, or remove the folder %s and %s",
		e.Err, e.Folder, e.Again)
}

// Unwrap returns the error of reading the object.
func (e *LostError) Unwrap() error { return e.Err }
