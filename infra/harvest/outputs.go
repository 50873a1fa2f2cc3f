package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/subset"
)

// makeOut makes the folder that a command writes to.
func makeOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w; give another with --out", err)
	}
	return nil
}

// copyOutputs copies a selection's outputs from the work bucket to a folder, and returns their paths.
func copyOutputs(ctx context.Context, work bucket.Reader, from subset.Outputs, dir string) (subset.Outputs, error) {
	if err := makeOut(dir); err != nil {
		return subset.Outputs{}, err
	}
	to := subset.Outputs{}
	for _, o := range []struct {
		object string
		path   *string
	}{{from.Subset, &to.Subset}, {from.Rejected, &to.Rejected}, {from.Picks, &to.Picks}, {from.Selection, &to.Selection}} {
		*o.path = filepath.Join(dir, filepath.Base(o.object))
		if err := copyObject(ctx, work, o.object, *o.path); err != nil {
			return subset.Outputs{}, fmt.Errorf("writing %s: %w", *o.path, err)
		}
	}
	return to, nil
}

// copyObject writes an object to a file that is there whole or not at all.
func copyObject(ctx context.Context, from bucket.Reader, object, path string) error {
	body, err := from.Open(ctx, object, 0, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	return writeWhole(path, func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, write func(io.Writer) error) error {
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer file.Cleanup() //nolint:errcheck // nothing is left to clean up after a replace
	if err := write(file); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return file.CloseAtomicallyReplace()
}

// defaultOut is where select puts a selection without --out: selections of one run do not overwrite each other.
func defaultOut(sel *subset.Selection) string { return filepath.Join("out", sel.Run, sel.ID) }
