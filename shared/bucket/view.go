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

// A View reads files, folders and values of this machine as objects, without a copy. It is the input bucket of a run on
// one machine. A View follows symbolic links to any place, except links in a Folder.
//
// A View cleans a name as path.Clean does before it looks the name up, so no name leads out of a folder. Names below an
// entry AtFolder may have backslashes, which are ordinary characters on most file systems.
type View struct {
	local
	entries map[string]Content
	names   []string // names of the entries, ascending
}

// A Content is the source of one object of a View, or of all objects with a prefix.
type Content struct {
	kind contentKind
	path string
	data []byte
	of   *Folder // the Folder that has the content; nil for other folders, in which all links are followed
	// prefix is the prefix of the content's objects in that Folder, without the slash at its end.
	prefix string
}

type contentKind int

const (
	literalContent contentKind = iota
	fileContent
	folderContent
)

// AtFile returns the content of the file at a path of this machine. Its generation is the time of the file's last
// change, in nanoseconds since 1970.
func AtFile(path string) Content { return Content{kind: fileContent, path: filepath.Clean(path)} }

// AtFolder returns the content of all files below the folder at a path of this machine. The folder may be missing.
// Generations are as for AtFile.
func AtFolder(path string) Content { return Content{kind: folderContent, path: filepath.Clean(path)} }

// Content returns the content of all objects with a prefix, which ends in a slash. Links out of the Folder's folder are
// not followed.
func (f *Folder) Content(prefix string) Content {
	return Content{kind: folderContent, path: f.Path(prefix), of: f, prefix: strings.TrimSuffix(prefix, "/")}
}

// Literal returns the content data. The caller must not change data afterwards. The generation is a function of data.
func Literal(data []byte) Content { return Content{data: data} }

// NewView returns a view of entries. The key of an entry AtFolder is the prefix of its objects, which ends in a slash.
// The key of any other entry is the name of its object. For an invalid name, or a name below another entry, the error
// is ErrName. The error lists all such names.
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
			faults = append(faults, fmt.Errorf("%w: %q: a folder's name must end in a slash, no other name may", ErrName, name))
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

// list yields the objects of a folder, with names relative to it, and reports whether the listing continues.
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

// find opens the object with a name.
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

// literal returns an object in memory. Its generation is a checksum, with one bit above it so that it is never 0.
func literal(name string, data []byte) object {
	generation := 1<<32 | int64(crc32.Checksum(data, castagnoli))
	attrs := Attrs{Name: name, Size: int64(len(data)), Generation: generation}
	return object{bytes.NewReader(data), io.NopCloser(nil), attrs}
}
