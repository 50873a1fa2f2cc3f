package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/dataset/recipe"
)

// spool copies a manifest from the standard input or a bucket into the state folder, under a name from a hash of its
// content.
func (f *sourceFinder) spool(kind, base string, from io.Reader) (path string, err error) {
	state, _, err := openState(f.state)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(state, "inputs", kind)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", bucket.MachineFault(state, err)
	}
	file, err := renameio.NewPendingFile(filepath.Join(folder, base), renameio.WithPermissions(0o644))
	if err != nil {
		return "", bucket.MachineFault(state, err)
	}
	defer file.Cleanup() //nolint:errcheck // nothing is left to clean up after a rename
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, hash), from); err != nil {
		return "", err
	}
	path = filepath.Join(folder, hex.EncodeToString(hash.Sum(nil)[:6]), base)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return path, os.Rename(file.Name(), path)
}

// addObject adds an object of Cloud Storage, or all objects that match a pattern. It copies them to the state folder.
func (f *sourceFinder) addObject(ctx context.Context, url string) error {
	name, object, _ := strings.Cut(strings.TrimPrefix(url, "gs://"), "/")
	if name == "" || object == "" {
		return usageError{fmt.Errorf("manifest %s: it has no bucket or no object; write gs://bucket/object", url)}
	}
	from, err := gs.OpenURL(ctx, "gs://"+name)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", url, err)
	}
	objects, err := matchingObjects(ctx, from, object)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", url, err)
	}
	if len(objects) == 0 {
		return usageError{fmt.Errorf("manifest %s: there is no such object", url)}
	}
	for _, object := range objects {
		body, err := from.Open(ctx, object, 0, 0, -1)
		if err != nil {
			return fmt.Errorf("manifest gs://%s/%s: %w", name, object, err)
		}
		path, err := f.spool("gs", filepath.Base(object), body)
		body.Close()
		if err != nil {
			return fmt.Errorf("manifest gs://%s/%s: %w", name, object, err)
		}
		if err := f.addFile(path, "gs://"+name+"/"+object, "."); err != nil {
			return err
		}
	}
	return nil
}

// matchingObjects returns the names of the objects that match a name with globs and braces.
func matchingObjects(ctx context.Context, in bucket.Reader, pattern string) ([]string, error) {
	expanded, err := recipe.Expand(pattern)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range expanded {
		glob := strings.IndexAny(one, "*?[")
		if glob < 0 {
			names = append(names, one)
			continue
		}
		prefix := one[:glob]
		for attrs, err := range in.List(ctx, prefix, "") {
			if err != nil {
				return nil, err
			}
			if match, err := filepath.Match(one, attrs.Name); err != nil {
				return nil, err
			} else if match {
				names = append(names, attrs.Name)
			}
		}
	}
	return names, nil
}
