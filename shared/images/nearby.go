package images

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

const (
	maxNearFolders = 8      // most folders of images that a Fetcher lists for hints
	maxNearFiles   = 10_000 // most files in such a folder on this machine
	maxNearObjects = 1_000  // most objects below such a folder in the cloud: one request
)

// A nearby finds files with nearly the name of a missing image. It lists a folder once. To be cheap, it lists at most
// maxNearFolders folders, and no folder with more than maxNearFiles files or maxNearObjects objects.
type nearby struct {
	mu sync.Mutex
	// folders maps each listed folder to the names of its files, by their folded names. A folder that is too large has no
	// names.
	folders map[string]map[string]string
}

func newNearby() *nearby { return &nearby{folders: map[string]map[string]string{}} }

// find returns the name of a file that differs from a missing one only in case or in the spelling of its extension; ""
// if none is known. Both names are relative to the images of f.
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

// files returns the names of the files in a folder of the images, relative to the folder; nil if listing it fails or
// would not be cheap.
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

// entries returns the names of the files and of the folders in a folder of this machine; nil if the folder has more
// than most entries, or cannot be read. A link counts as a file and as a folder.
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
