package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/run"
)

// followHint is the hint for links that lead out of the input folder.
const followHint = "start serve with --follow-links to follow links that lead out of --input"

// uploadFolders are the folders of an input folder that serve reads.
var uploadFolders = []string{"datasets", "images"}

// openInput opens the input bucket of serve: a gs:// URL, or an existing folder. A link in the folder that leads out of
// it is refused unless --follow-links is given.
func openInput(ctx context.Context, input string, followLinks bool) (bucket.Reader, error) {
	if strings.HasPrefix(input, "gs://") {
		return gs.OpenURL(ctx, input)
	}
	info, err := os.Stat(input)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usageError{fmt.Errorf("--input %s: there is no such folder; create it (mkdir -p %s), or give the "+
			"folder that has datasets/ and images/", input, filepath.Join(input, "datasets"))}
	case err != nil:
		return nil, fmt.Errorf("--input %s: %w", input, err)
	case !info.IsDir():
		return nil, usageError{fmt.Errorf("--input %s: it is a file; give the folder that has datasets/ and images/", input)}
	}
	if followLinks {
		return bucket.NewView(map[string]bucket.Content{
			run.DatasetsPrefix: bucket.AtFolder(filepath.Join(input, "datasets")),
			"images/":          bucket.AtFolder(filepath.Join(input, "images")),
		})
	}
	folder, err := bucket.OpenFolder(input)
	if err != nil {
		return nil, fmt.Errorf("opening --input %s: %w", input, err)
	}
	for _, name := range uploadFolders {
		if err := leadsOut(ctx, folder, name); err != nil {
			return nil, usageError{fmt.Errorf("--input: %w", err)}
		}
	}
	return folder, nil
}

// leadsOut returns an error with the hint if an object or a folder of a bucket is a link that leads out of the bucket.
func leadsOut(ctx context.Context, input bucket.Reader, name string) error {
	_, err := input.Stat(ctx, name)
	if _, out := errors.AsType[*bucket.LinkError](err); out {
		return fmt.Errorf("%w; %s", err, followHint)
	}
	return nil
}

// withoutLinks returns a function that calls upload, unless the object or the folder of its dataset's images is a link
// that leads out of the input bucket. A refused upload is logged once for each change of the object.
func withoutLinks(
	input bucket.Reader, log *slog.Logger, upload func(context.Context, string) error,
) func(context.Context, string) error {
	return func(ctx context.Context, object string) error {
		dataset, _, _ := strings.Cut(strings.TrimPrefix(object, run.DatasetsPrefix), "/")
		for _, name := range []string{object, "images/" + dataset} {
			if err := leadsOut(ctx, input, name); err != nil {
				log.Error("upload refused", "object", object, "error", err)
				return nil
			}
		}
		return upload(ctx, object)
	}
}
