package images

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// brokenLink returns the fault of a missing image with a broken symbolic link in its path; nil if there is no such
// link. name is the image's name, and within is its path relative to the folder of the images.
func (f *Fetcher) brokenLink(name, within string) *dataset.Fault {
	if len(f.folders) == 0 {
		return nil
	}
	path := f.folders[0]
	for element := range strings.SplitSeq(within, "/") {
		path = filepath.Join(path, element)
		info, err := os.Lstat(path)
		if err != nil {
			return nil
		}
		if info.Mode()&os.ModeSymlink == 0 {
			continue
		}
		_, err = os.Stat(path)
		switch {
		case err == nil:
			continue
		case errors.Is(err, syscall.ELOOP):
			return &dataset.Fault{Code: Unreadable, Field: name, Detail: fmt.Sprintf(
				"%s is a link that leads back to itself; replace the link by the file%s", path, ThenRetry)}
		}
		target, err := os.Readlink(path)
		if err != nil {
			return nil
		}
		return &dataset.Fault{Code: NotFound, Field: name, Detail: fmt.Sprintf(
			"%s is a link to %s, which does not exist; put the file there, or correct the link%s",
			path, target, ThenRetry)}
	}
	return nil
}
