package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// SpecOf finds what an object that arrived in the input bucket starts: a manifest directly in a
// dataset's prefix, or the dataset's SpecFile. ok is false for objects that start nothing.
func (p *Planner) SpecOf(ctx context.Context, object string) (spec Spec, ok bool, err error) {
	if spec, ok, err = p.specOf(ctx, object); spec.Budget.IsZero() {
		spec.Budget = p.budget
	}
	return spec, ok, err
}

func (p *Planner) specOf(ctx context.Context, object string) (spec Spec, ok bool, err error) {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	name, file, deeper := strings.Cut(rest, "/")
	if !found || !deeper || strings.Contains(file, "/") {
		return Spec{}, false, nil
	}
	switch {
	case file == SpecFile:
		data, err := bucket.ReadWhole(ctx, p.input, object, maxSpecBytes)
		if errors.Is(err, bucket.ErrNotExist) {
			return Spec{}, false, nil // replaced or gone since: its own event follows
		} else if err != nil {
			return Spec{Dataset: name}, true, unread("dataset", object, err)
		}
		spec, err := ParseSpec(name, data)
		if err != nil {
			return Spec{Dataset: name}, true, &RefusedError{Object: object, Reason: fmt.Sprintf("%s: %v", object, err)}
		}
		return spec, true, nil
	case isAside(file):
		return Spec{}, false, nil
	case strings.HasSuffix(file, ".json"), strings.HasSuffix(file, ".jsonl"), strings.HasSuffix(file, ".ndjson"),
		isPacked(file): // what it holds says how to unpack it
		return Spec{Dataset: name, Manifests: []string{file}}, true, nil
	}
	_, err = p.input.Stat(ctx, object)
	if errors.Is(err, bucket.ErrNotExist) {
		return Spec{}, false, nil
	}
	return Spec{Dataset: name}, true, &RefusedError{Object: object, Reason: fmt.Sprintf(
		"%s: its name is not that of a manifest; name it .json or .jsonl, or put it in %s%s/parts/ and name it in %s",
		object, DatasetsPrefix, name, SpecFile)}
}

// isAside reports whether a file of a dataset's prefix lies there for people or other tools: it starts nothing. A
// rubric is named by the dataset's SpecFile.
func isAside(file string) bool {
	for _, pattern := range []string{".*", "README*", "LICENSE*", "dataset_info*.json", "*.yaml", "*.yml"} {
		if match, err := path.Match(pattern, file); match && err == nil {
			return true
		}
	}
	return false
}

// isPacked reports whether a file's name is that of a manifest that is packed, or of tables or an archive.
func isPacked(file string) bool {
	return slices.Contains(
		[]string{".gz", ".gzip", ".zst", ".bz2", ".xz", ".parquet", ".tar", ".tgz", ".zip"}, path.Ext(file))
}
