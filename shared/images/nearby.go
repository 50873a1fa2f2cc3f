package images

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	maxNearFolders = 8      // of images, whose files a Fetcher lists for hints
	maxNearFiles   = 10_000 // in such a folder on this machine
	maxNearObjects = 1_000  // below such a folder in the cloud: one request
)

// nearby finds files whose name is nearly that of a missing image. It lists a folder once, if that is cheap: at most
// maxNearFolders folders, none with more than maxNearFiles or maxNearObjects.
type nearby struct {
	mu sync.Mutex
	// folders are the names of each listed folder's files by their folded names; empty where a listing is not cheap.
	folders map[string]map[string]string
}

func newNearby() *nearby { return &nearby{folders: map[string]map[string]string{}} }

// find is the name, relative to the images of f, of a file that differs from a missing one only in case or in the
// spelling of its extension; "" if none is known.
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
	if !ok || file == path.Base(missing) { // a link that leads nowhere is not found, and is in the list
		return ""
	}
	return path.Join(folder, file)
}

// files are the names of the files in a folder of the images, relative to it; none if a listing fails or is not cheap.
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

// entries are the names in a folder of this machine, of files first and of folders second; none if there are more than
// most, or if it cannot be read. A link is both.
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

// IsName reports whether a file's name ends as that of an image.
func IsName(name string) bool {
	return slices.Contains([]string{".jpg", ".png", ".gif", ".webp", ".bmp", ".tif"}, path.Ext(foldName(name)))
}

// foldName is a file's name without differences of case and of the extension's spelling.
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
