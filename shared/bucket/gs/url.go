package gs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// OpenURL opens the bucket at a URL. `gs://name` is a Cloud Storage bucket, which is reached with the environment's
// credentials or at STORAGE_EMULATOR_HOST. A path or `file:///path` is a folder, which is made if it is missing. The
// context is used only for the credentials.
func OpenURL(ctx context.Context, address string) (bucket.Bucket, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case address == "":
		return nil, errors.New("opening bucket: the URL is empty; give gs://NAME or the path of a folder")
	case !ok:
		return bucket.OpenFolder(address)
	case scheme == "file":
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("opening bucket: %w", err)
		}
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return nil, fmt.Errorf("opening bucket %s: a file URL needs an absolute path; give file:///PATH", address)
		}
		return bucket.OpenFolder(filepath.FromSlash(u.Path))
	case scheme != "gs":
		return nil, fmt.Errorf("opening bucket %s: unknown scheme; give gs://NAME or the path of a folder", address)
	}
	name := strings.TrimSuffix(rest, "/")
	if name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("opening bucket %s: give gs://NAME, without a prefix", address)
	}
	client, err := storage.NewClient(ctx, storage.WithJSONReads())
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", address, err)
	}
	return New(client, name), nil
}
