package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A View shows content that is elsewhere on this machine as objects, without a copy: the input
// bucket of a run on one machine. Symbolic links are followed wherever they lead, but for those of a Folder.
//
// A name is cleaned before it is looked up, as path.Clean does, so it never leads out of a folder. Below an entry
// AtFolder also files are found whose names hold backslashes, which are ordinary characters on most file systems.
type View struct {
	local
	entries map[string]Content
	names   []string // of entries, ascending
}

// Content is where a View finds the content of an object, or of all objects with a prefix.
type Content struct {
	kind contentKind
	path string
	data []byte
	of   *Folder // whose links lead nowhere out of it; nil where links are followed
	// prefix is that of the Folder's objects, without the slash at its end.
	prefix string
}

type contentKind int

const (
	literalContent contentKind = iota
	fileContent
	folderContent
)

// AtFile is the content of the file at a path of this machine. Its generation is the time of the
// file's last change, in nanoseconds.
func AtFile(path string) Content { return Content{kind: fileContent, path: filepath.Clean(path)} }

// AtFolder is the content of all files below the folder at a path of this machine, which may also
// be missing. Generations are those of AtFile.
func AtFolder(path string) Content { return Content{kind: folderContent, path: filepath.Clean(path)} }

// Content is that of all objects with a prefix, which ends in a slash. As in the bucket, nothing outside its folder is
// among them.
func (f *Folder) Content(prefix string) Content {
	return Content{kind: folderContent, path: f.Path(prefix), of: f, prefix: strings.TrimSuffix(prefix, "/")}
}

// Literal is the content data, which must not be changed afterwards. Its generation is a function
// of data.
func Literal(data []byte) Content { return Content{data: data} }

// NewView returns a view of entries, by name: an entry of AtFolder is named by the prefix of its objects, which ends in
// a slash; any other entry by its single object. An invalid name, or a name below another entry, is ErrName; the error
// lists all of them.
func NewView(entries map[string]Content) (*View, error) {
	v := &View{entries: maps.Clone(entries), names: slices.Sorted(maps.Keys(entries))}
	v.open = v.find
	var faults []error
	for _, name := range v.names {
		bare, slash := strings.CutSuffix(name, "/")
		if err := CheckName(bare); err != nil {
			faults = append(faults, err)
			continue
		}
		if slash != (entries[name].kind == folderContent) {
			faults = append(faults, fmt.Errorf("%w: %q: the name of a folder, and no other, ends in a slash", ErrName, name))
		}
		if _, file := entries[bare]; slash && file {
			faults = append(faults, fmt.Errorf("%w: %q is an object and a folder", ErrName, bare))
		}
		for above := path.Dir(bare); above != "."; above = path.Dir(above) {
			_, file := entries[above]
			if _, folder := entries[above+"/"]; file || folder {
				faults = append(faults, fmt.Errorf("%w: %q is below %q", ErrName, name, above))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return v, nil
}

// Path implements OnDisk.
func (v *View) Path(prefix string) string {
	if content, ok := v.entries[prefix]; ok && content.kind == folderContent {
		return content.path
	}
	return ""
}

// List implements Reader. It skips folders whose names exclude a match.
func (v *View) List(ctx context.Context, prefix, after string) iter.Seq2[Attrs, error] {
	return func(yield func(Attrs, error) bool) {
		for _, name := range v.names {
			content := v.entries[name]
			if content.kind == folderContent {
				if !overlap(name, prefix) || after > name && !strings.HasPrefix(after, name) {
					continue
				}
				below, later := prefix[min(len(name), len(prefix)):], ""
				if strings.HasPrefix(after, name) {
					later = after[len(name):]
				}
				if !content.list(ctx, below, later, func(a Attrs, err error) bool {
					a.Name = name + a.Name
					return yield(a, err)
				}) {
					return
				}
				continue
			}
			if !strings.HasPrefix(name, prefix) || name <= after {
				continue
			}
			attrs, err := v.Stat(ctx, name)
			if errors.Is(err, ErrNotExist) {
				continue
			}
			if !yield(attrs, err) || err != nil {
				return
			}
		}
	}
}

// list yields the objects of a folder, by their names in it, and reports whether the listing continues.
func (c Content) list(ctx context.Context, prefix, after string, yield func(Attrs, error) bool) bool {
	if c.of == nil {
		return walk{ctx, os.DirFS(c.path), c.path, prefix, after, yield, checkFileName}.run()
	}
	all := c.prefix + "/"
	if after != "" {
		after = all + after
	}
	for attrs, err := range c.of.List(ctx, all+prefix, after) {
		attrs.Name = strings.TrimPrefix(attrs.Name, all)
		if !yield(attrs, err) {
			return false
		}
	}
	return true
}

// find opens what is under a name.
func (v *View) find(name string) (object, error) {
	name = path.Clean(name)
	if err := checkFileName(name); err != nil {
		return object{}, fmt.Errorf("%w (%w)", ErrNotExist, err)
	}
	content, ok := v.entries[name]
	folder, within := filepath.Split(content.path)
	for above := path.Dir(name); !ok && above != "."; above = path.Dir(above) {
		if content, ok = v.entries[above+"/"]; ok {
			folder, within = content.path, name[len(above)+1:]
		}
	}
	switch {
	case !ok:
		return object{}, fmt.Errorf("%s: %w", name, ErrNotExist)
	case content.kind == literalContent:
		return literal(name, content.data), nil
	}
	if content.of != nil {
		o, err := content.of.open(path.Join(content.prefix, within))
		o.attrs.Name = name
		return o, err
	}
	folder = filepath.Clean(folder)
	o, err := openFile(os.DirFS(folder), folder, within)
	o.attrs.Name = name
	return o, err
}

// literal is an object of memory. The bit above the checksum keeps its generation from being 0.
func literal(name string, data []byte) object {
	generation := 1<<32 | int64(crc32.Checksum(data, castagnoli))
	attrs := Attrs{Name: name, Size: int64(len(data)), Generation: generation}
	return object{bytes.NewReader(data), io.NopCloser(nil), attrs}
}
