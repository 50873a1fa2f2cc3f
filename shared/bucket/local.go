package bucket

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// castagnoli is the polynomial of Cloud Storage's checksums.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A local implements Reader for objects of this machine, except List.
type local struct {
	open func(name string) (object, error) // ErrNotExist if there is no object of this name
}

// An object is an opened object. Its attributes describe the content that it reads.
type object struct {
	io.ReaderAt
	io.Closer
	attrs Attrs
}

// Stat implements Reader.
func (l local) Stat(ctx context.Context, name string) (Attrs, error) {
	if err := ctx.Err(); err != nil {
		return Attrs{}, err
	}
	o, err := l.open(name)
	if err != nil {
		return Attrs{}, err
	}
	return o.attrs, o.Close()
}

// Open implements Reader.
func (l local) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, fmt.Errorf("%s: negative offset %d", name, offset)
	}
	o, err := l.open(name)
	if err != nil {
		return nil, err
	}
	if generation != 0 && generation != o.attrs.Generation {
		o.Close()
		return nil, fmt.Errorf("%s: generation %d: %w", name, generation, ErrNotExist)
	}
	if length < 0 {
		length = math.MaxInt64 - offset
	}
	return contextReader{ctx, faultReader{io.NewSectionReader(o, offset, length)}, o}, nil
}

// Checksum implements Reader. It reads the whole object.
func (l local) Checksum(ctx context.Context, name string) (uint32, error) {
	r, err := l.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, r); err != nil {
		return 0, fmt.Errorf("summing %s: %w", name, err)
	}
	return sum.Sum32(), nil
}

// openFile opens a regular file of a file system as an object. The error is ErrNotExist for a missing file, and both
// ErrNotExist and ErrUnreadable for a file that is not regular. place is the path of the file system, for errors.
func openFile(fsys fs.FS, place, name string) (object, error) {
	// Opening a pipe would wait for a writer, so check first that the file is regular.
	info, err := fs.Stat(fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		kind := "not a regular file"
		if info.IsDir() {
			kind = "a folder"
		}
		return object{}, fmt.Errorf("%s: %w: it is %s (%w)", filepath.Join(place, name), ErrUnreadable, kind, ErrNotExist)
	}
	var opened fs.File
	if err == nil {
		opened, err = fsys.Open(name)
	}
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", filepath.Join(place, name), readFault(fsys, place, err))
	}
	file := opened.(*os.File)
	if info, err = file.Stat(); err != nil {
		file.Close()
		return object{}, fmt.Errorf("%s: %w", filepath.Join(place, name), err)
	}
	return object{file, file, fileAttrs(name, info)}, nil
}

// fileAttrs returns the attributes of the object that a file is. The generation is the time of the file's last change
// in nanoseconds since 1970. It is -1 if that time is 0, because 0 is not a generation.
func fileAttrs(name string, info fs.FileInfo) Attrs {
	generation := info.ModTime().UnixNano()
	if generation == 0 {
		generation = -1
	}
	return Attrs{Name: name, Size: info.Size(), Generation: generation}
}

// absent reports whether an error of opening a file means that the file does not exist.
func absent(err error) bool {
	for _, target := range []error{
		fs.ErrNotExist, fs.ErrInvalid, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
