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

// OpenURL opens the bucket at a URL: `gs://name` is a Cloud Storage bucket, reached with the
// environment's credentials or at STORAGE_EMULATOR_HOST; a path, or `file:///path`, is a folder,
// which is made if it is missing. The context is for the credentials only.
func OpenURL(ctx context.Context, address string) (bucket.Bucket, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case address == "":
		return nil, errors.New("opening bucket: no URL: want gs://name or a folder")
	case !ok:
		return bucket.OpenFolder(address)
	case scheme == "file":
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("opening bucket: %w", err)
		}
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return nil, fmt.Errorf("opening bucket %s: want file:///path", address)
		}
		return bucket.OpenFolder(filepath.FromSlash(u.Path))
	case scheme != "gs":
		return nil, fmt.Errorf("opening bucket %s: want gs://name or a folder", address)
	}
	name := strings.TrimSuffix(rest, "/")
	if name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("opening bucket %s: want gs://name, and no prefix after it", address)
	}
	client, err := storage.NewClient(ctx, storage.WithJSONReads())
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", address, err)
	}
	return New(client, name), nil
}
