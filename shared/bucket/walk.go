package bucket

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A walk lists the regular files of a file system as objects. It follows symbolic links. It skips a link whose target
// is missing, and a link to a folder that contains the link. A link out of the file system cannot be followed: the walk
// lists it as an object, like a file that cannot be read, and the error comes when it is read.
type walk struct {
	ctx           context.Context
	fsys          fs.FS
	place         string // the file system's own path, for errors
	prefix, after string
	yield         func(Attrs, error) bool
	check         func(name string) error // returns an error for names that are not listed
}

// run yields the objects that Reader.List yields, and reports whether the listing continues.
func (w walk) run() bool {
	folder := w.prefix[:strings.LastIndex(w.prefix, "/")+1]
	if folder != "" && w.check(strings.TrimSuffix(folder, "/")) != nil {
		return true
	}
	return w.folder(folder)
}

// folder yields the objects of a folder, whose name is empty or ends in a slash.
func (w walk) folder(name string) bool {
	if err := w.ctx.Err(); err != nil {
		w.yield(Attrs{}, err)
		return false
	}
	children, err := w.children(name)
	if err != nil {
		w.yield(Attrs{}, err)
		return false
	}
	for _, c := range children {
		if c.info == nil {
			if !w.folder(c.name) {
				return false
			}
			continue
		}
		if err := w.ctx.Err(); err != nil {
			w.yield(Attrs{}, err)
			return false
		}
		info, err := c.info()
		if err != nil {
			if absent(err) {
				continue
			}
			w.yield(Attrs{}, fmt.Errorf("listing %s: %w", w.place, err))
			return false
		}
		if !w.yield(fileAttrs(c.name, info), nil) {
			return false
		}
	}
	return true
}

// A child is an entry of a folder that a listing needs.
type child struct {
	name string                      // ends in a slash if it is a folder
	info func() (fs.FileInfo, error) // nil for a folder
}

// children returns the entries of a folder that the listing needs, in the order of the listing. It returns nil for a
// missing folder.
func (w walk) children(name string) ([]child, error) {
	entries, err := fs.ReadDir(w.fsys, path.Clean(name))
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("listing %s: %w", w.place, MachineFault(filepath.Join(w.place, name), err))
	}
	var children []child
	for _, e := range entries {
		full := name + e.Name()
		if !overlap(full, w.prefix) || w.check(full) != nil {
			continue
		}
		mode, info := e.Type(), e.Info
		if mode&fs.ModeSymlink != 0 {
			target, err := fs.Stat(w.fsys, full)
			switch {
			case err != nil && !absent(err):
				mode = 0 // the link exists, and an attempt to read it returns the reason
			case err != nil || w.leadsBack(full, target):
				continue
			default:
				mode, info = target.Mode(), func() (fs.FileInfo, error) { return target, nil }
			}
		}
		switch {
		case mode.IsDir() && overlap(full+"/", w.prefix) && (w.after < full+"/" || strings.HasPrefix(w.after, full+"/")):
			children = append(children, child{full + "/", nil})
		case mode.IsRegular() && strings.HasPrefix(full, w.prefix) && w.after < full:
			children = append(children, child{full, info})
		}
	}
	// A folder is sorted by its name with the slash, which is the order of its objects: a.b, a/b, a0.
	slices.SortFunc(children, func(a, b child) int { return strings.Compare(a.name, b.name) })
	return children, nil
}

// leadsBack reports whether a link's target is a folder that contains the link.
func (w walk) leadsBack(link string, target fs.FileInfo) bool {
	for folder := link; target.IsDir() && folder != "."; {
		folder = path.Dir(folder)
		if info, err := fs.Stat(w.fsys, folder); err == nil && os.SameFile(info, target) {
			return true
		}
	}
	return false
}

// overlap reports whether one of two strings begins with the other.
func overlap(a, b string) bool {
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}
