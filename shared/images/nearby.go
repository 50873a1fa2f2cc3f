package images

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
)

const (
	maxNearFolders = 8      // largest number of folders that a Fetcher lists for hints
	maxNearFiles   = 10_000 // largest number of files in such a folder on this machine
	maxNearObjects = 1_000  // largest number of objects below such a folder in the cloud: one request
	maxElsewhere   = 8      // largest number of unsuccessful look-ups of images elsewhere
)

// A nearby finds files with nearly the name of a missing image. It lists a folder only once. To limit its cost, it
// lists at most maxNearFolders folders, and no folder with more than maxNearFiles files or maxNearObjects objects.
type nearby struct {
	mu sync.Mutex
	// folders maps each listed folder to the names of its files, by their folded names. A folder that is too large has no
	// names.
	folders map[string]map[string]string
	misses  int // number of missing images that are not elsewhere
}

func newNearby() *nearby { return &nearby{folders: map[string]map[string]string{}} }

// find returns the name of a file that differs from the missing name only in case or in the spelling of its extension.
// It returns "" if no such file is known. Both names are relative to the images of f.
func (n *nearby) find(ctx context.Context, f *Fetcher, missing string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	folder := path.Dir(missing)
	files, listed := n.folders[folder]
	if !listed && len(n.folders) < maxNearFolders {
		files = map[string]string{}
		for _, file := range f.files(ctx, folder) {
			files[foldName(file)] = file
		}
		n.folders[folder] = files
	}
	file, ok := files[foldName(path.Base(missing))]
	if !ok || file == path.Base(missing) { // a broken link is in the list, although it is missing
		return ""
	}
	return path.Join(folder, file)
}

// isElsewhere reports whether a missing image is in f.elsewhere. After maxElsewhere unsuccessful look-ups, it always
// returns false.
func (n *nearby) isElsewhere(ctx context.Context, f *Fetcher, missing string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.elsewhere == "" || n.misses >= maxElsewhere {
		return false
	}
	if _, err := f.input.Stat(ctx, f.elsewhere+missing); err != nil {
		n.misses++
		return false
	}
	return true
}

// find is Locate with the given look. If the image is missing, the fault names a file with nearly the same name, or the
// other place where the image is.
func (f *Fetcher) find(ctx context.Context, name string, by look) (Location, *dataset.Fault, error) {
	at, fault, err := f.locate(ctx, name, by)
	if fault == nil || *fault != *f.notFound(name) { // otherwise the fault names another cause, such as a broken link
		return at, fault, err
	}
	names, err := dataset.ImageNames(name, f.folders)
	if err != nil || strings.HasPrefix(names[0], "gs://") {
		return at, fault, nil
	}
	if near := f.nearby.find(ctx, f, names[len(names)-1]); near != "" {
		fault.Detail = fmt.Sprintf("it is not in %s, but %s is, whose name differs only in case or in the spelling of its "+
			"extension; correct the name, or rename the file", f.place(), near)
	} else if f.nearby.isElsewhere(ctx, f, names[len(names)-1]) {
		fault.Detail = fmt.Sprintf("it is not in %s, but it is in %s; move the images to %s and retry the run, or write "+
			"\"images: ./\" and the list of manifests in %sdataset.yaml", f.place(), f.elsewhere, f.prefix, f.elsewhere)
	}
	return at, fault, nil
}

// files returns the names of the files in a folder of the images, relative to the folder. It returns nil if listing the
// folder fails or would cost too much.
func (f *Fetcher) files(ctx context.Context, folder string) []string {
	if len(f.folders) > 0 {
		names, _ := entries(filepath.Join(f.folders[0], filepath.FromSlash(folder)), maxNearFiles)
		return names
	}
	prefix := f.prefix
	if folder != "." {
		prefix += folder + "/"
	}
	var names []string
	objects := 0
	for attrs, err := range f.input.List(ctx, prefix, "") {
		if objects++; err != nil || objects > maxNearObjects {
			return nil
		}
		if name := attrs.Name[len(prefix):]; !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// entries returns the names of the files and of the folders in a folder of this machine. It returns nil if the folder
// has more than most entries, or cannot be read. A link counts as a file and as a folder.
func entries(folder string, most int) (files, folders []string) {
	opened, err := os.Open(folder)
	if err != nil {
		return nil, nil
	}
	defer opened.Close()
	list, _ := opened.ReadDir(most + 1)
	if len(list) > most {
		return nil, nil
	}
	for _, entry := range list {
		link := entry.Type()&os.ModeSymlink != 0
		if link || entry.Type().IsRegular() {
			files = append(files, entry.Name())
		}
		if link || entry.IsDir() {
			folders = append(folders, entry.Name())
		}
	}
	return files, folders
}

// IsName reports whether a file has the extension of an image.
func IsName(name string) bool {
	return slices.Contains([]string{".jpg", ".png", ".gif", ".webp", ".bmp", ".tif"}, path.Ext(foldName(name)))
}

// foldName returns a file's name in lower case, with one spelling of the extension: .jpg for .jpeg.
func foldName(name string) string {
	name = strings.ToLower(name)
	stem, extension := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	switch extension {
	case ".jpeg", ".jpe", ".jfif":
		extension = ".jpg"
	case ".tiff":
		extension = ".tif"
	}
	return stem + extension
}
