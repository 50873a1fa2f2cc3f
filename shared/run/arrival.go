package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// An Upload is the uploaded object that started a run. It is zero if the API started the run.
type Upload struct {
	Object     string `json:"object"`
	Generation int64  `json:"generation"`
}

// Uploaded returns the run that an uploaded object starts. Such an object is a manifest directly in a dataset's prefix,
// or the dataset's SpecFile. For other objects starts is false. It is also false for a file that the SpecFile next to
// it names. If the object is invalid, starts is true, the error is a *RefusedError, and spec has only the name of the
// dataset. If the SpecFile next to the object is invalid, starts is false, and the error is its *RefusedError.
func (p *Planner) Uploaded(ctx context.Context, object string) (u Upload, spec Spec, starts bool, err error) {
	name, file, ok := splitUpload(object)
	if !ok && !isLoose(object) {
		return Upload{}, Spec{}, false, nil
	}
	attrs, err := p.input.Stat(ctx, object)
	u = Upload{object, attrs.Generation}
	switch {
	case errors.Is(err, bucket.ErrUnreadable) && !ok: // a dataset's folder
		return Upload{}, Spec{}, false, nil
	case errors.Is(err, bucket.ErrUnreadable):
		return u, Spec{Dataset: plainDataset(name)}, true, unread("dataset", object, err)
	case errors.Is(err, bucket.ErrNotExist):
		return Upload{}, Spec{}, false, nil // replaced or deleted since; a replacement sends a notification of its own
	case err != nil:
		return Upload{}, Spec{}, false, fmt.Errorf("looking for %s: %w", object, err)
	}
	if refused := misplaced(object, name); refused != nil {
		return u, Spec{Dataset: plainDataset(name)}, true, refused
	}
	if named, err := p.isNamed(ctx, name, file); named || err != nil {
		return u, Spec{Dataset: name}, false, err
	}
	if spec, starts, err = p.specOf(ctx, object, name, file); spec.Budget.IsZero() {
		spec.Budget = p.uploads
	}
	return u, spec, starts, err
}

// isNamed reports whether the SpecFile of a dataset names a file next to it. Such a file belongs to the run of the
// SpecFile. The error is a *RefusedError if the SpecFile is invalid, or names a file that does not exist: then the file
// next to it may be a file that its author meant.
func (p *Planner) isNamed(ctx context.Context, name, file string) (bool, error) {
	if file == SpecFile {
		return false, nil
	}
	_, err := p.input.Stat(ctx, DatasetsPrefix+name+"/"+SpecFile)
	if errors.Is(err, bucket.ErrNotExist) {
		return false, nil
	} else if err != nil && !errors.Is(err, bucket.ErrUnreadable) {
		return false, fmt.Errorf("looking for the %s next to %s: %w", SpecFile, file, err)
	}
	spec, there, err := p.specOf(ctx, DatasetsPrefix+name+"/"+SpecFile, name, SpecFile)
	if err != nil || !there || spec.mentions(file) {
		return there && err == nil, err
	}
	resolved, _, err := p.resolve(ctx, spec)
	if err != nil || slices.Contains(resolved.Manifests, file) { // a recipe names it
		return err == nil, err
	}
	return false, p.missing(ctx, name, file, slices.Concat(resolved.Manifests, spec.otherFiles()))
}

// names reports whether a spec, or a recipe that it lists, names a file in the dataset's folder.
func (p *Planner) names(ctx context.Context, spec Spec, file string) (bool, error) {
	if named := spec.mentions(file); named || !isManifest(file) {
		return named, nil
	}
	resolved, _, err := p.resolve(ctx, spec)
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return false, nil
	}
	return slices.Contains(resolved.Manifests, file), err
}

// missing returns a *RefusedError if a file that the SpecFile of a dataset names does not exist. The error asks whether
// file was meant, if its name is similar.
func (p *Planner) missing(ctx context.Context, name, file string, names []string) error {
	folder := DatasetsPrefix + name + "/"
	for _, named := range names {
		if there, err := p.hasFile(ctx, folder+named); err != nil {
			return err
		} else if !there {
			return &RefusedError{Reason: fmt.Sprintf("%s%s: %q is not in %s%s; upload this file, or correct its name in %s",
				folder, SpecFile, named, folder, spelling.Hint(named, []string{file}), SpecFile)}
		}
	}
	return nil
}

// hasFile reports whether a file that a SpecFile names exists. An unreadable file exists: the run of the SpecFile
// reports it.
func (p *Planner) hasFile(ctx context.Context, object string) (bool, error) {
	_, err := p.input.Stat(ctx, object)
	switch {
	case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrName):
		return false, nil
	case err != nil && !errors.Is(err, bucket.ErrUnreadable):
		return false, fmt.Errorf("looking for %s: %w", object, err)
	}
	return true, nil
}

// splitUpload returns the dataset and the file name of an object that may start a run; ok is false for other objects.
func splitUpload(object string) (name, file string, ok bool) {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	name, file, deeper := strings.Cut(rest, "/")
	ok = found && deeper && !strings.Contains(file, "/") && (file == SpecFile || !isAside(file)) && !images.IsName(file)
	return name, file, ok
}

// isLoose reports whether an object lies directly in the prefix of datasets, outside of a dataset's folder. Files that
// Harvest ignores (isAside) do not count.
func isLoose(object string) bool {
	file, found := strings.CutPrefix(object, DatasetsPrefix)
	return found && file != "" && !strings.Contains(file, "/") && !isAside(file) && !images.IsName(file)
}

// misplaced returns a *RefusedError for an object outside of a dataset's folder, or in a folder whose name is not a
// valid name of a dataset; else nil.
func misplaced(object, name string) error {
	if isLoose(object) {
		folder, _, _ := strings.Cut(plainDataset(name), ".")
		return &RefusedError{Object: object, Reason: fmt.Sprintf("%s: it is not in the folder of a dataset; move it into "+
			"one, such as %s%s/%s", object, DatasetsPrefix, folder, name)}
	}
	if namePattern.MatchString(name) {
		return nil
	}
	return &RefusedError{Object: object, Reason: fmt.Sprintf("%s: %q is not a dataset name (1 to 100 of A-Z a-z 0-9 . _ "+
		"-, beginning with a letter or digit); rename the folder, for example to %s", object, name, plainDataset(name))}
}

// plainDataset returns a valid name of a dataset that is similar to an invalid name.
func plainDataset(name string) string {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(allowed, r) {
			return r
		}
		return '-'
	}, name)
	plain = strings.TrimLeft(plain, "._-")
	return cmp.Or(plain[:min(len(plain), 100)], "dataset")
}

// IsBelow reports whether an object has the name of a manifest, but lies in a subfolder of a dataset's folder, other
// than parts/. Such an object starts no run, unless a dataset.yaml names it.
func IsBelow(object string) bool {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	elements := strings.Split(rest, "/")
	file := elements[len(elements)-1]
	return found && len(elements) > 2 && elements[1] != "parts" && !isAside(file) && isManifest(file)
}

// ListsUploads reports whether Uploads lists the input bucket. It does not list a folder of this machine, which may
// have files that are still being copied; `harvest serve` watches the folder instead.
func (p *Planner) ListsUploads() bool {
	_, onDisk := p.input.(bucket.OnDisk)
	return !onDisk
}

// Uploads returns objects that may start a run. It examines at most limit objects with names after cursor, and only the
// first object of each subfolder of a dataset. next is the cursor of the next call; empty if there are no more objects.
func (p *Planner) Uploads(ctx context.Context, cursor string, limit int) (found []Upload, next string, err error) {
	if !p.ListsUploads() {
		return nil, "", nil
	}
	for skip := true; skip; {
		skip = false
		for attrs, err := range p.input.List(ctx, DatasetsPrefix, cursor) {
			if err != nil {
				return nil, "", fmt.Errorf("listing the input bucket: %w", err)
			}
			if limit == 0 {
				return found, cursor, nil
			}
			limit--
			cursor = attrs.Name
			if elements := strings.SplitN(cursor, "/", 4); len(elements) == 4 {
				cursor = strings.Join(elements[:3], "/") + "/\U0010ffff" // after all objects in the subfolder
				skip = true
				break
			}
			if _, _, ok := splitUpload(attrs.Name); ok || isLoose(attrs.Name) {
				found = append(found, Upload{attrs.Name, attrs.Generation})
			}
		}
	}
	return found, "", nil
}

// specOf reads the spec of the run that an uploaded file starts. starts is false if the file no longer exists.
func (p *Planner) specOf(ctx context.Context, object, name, file string) (spec Spec, starts bool, err error) {
	switch {
	case file == SpecFile:
		data, err := bucket.ReadWhole(ctx, p.input, object, MaxSpecBytes)
		if errors.Is(err, bucket.ErrNotExist) {
			return Spec{}, false, nil // replaced or deleted since; a replacement sends a notification of its own
		} else if err != nil {
			return Spec{Dataset: name}, true, unread("dataset", object, err)
		}
		spec, err := ParseSpec(name, data)
		if err != nil {
			return Spec{Dataset: name}, true, &RefusedError{Object: object, Reason: fmt.Sprintf("%s: %v", object, err)}
		}
		return spec, true, nil
	case isManifest(file):
		return Spec{Dataset: name, Manifests: []string{file}}, true, nil
	}
	return Spec{Dataset: name}, true, &RefusedError{Object: object, Reason: fmt.Sprintf(
		"%s: its name is not the name of a manifest; rename it to end in .json or .jsonl, or move it to %s%s/parts/ and "+
			"list it in %s", object, DatasetsPrefix, name, SpecFile)}
}

// isAside reports whether a file in a dataset's prefix is only for people or other tools, and starts no run. *.yaml is
// in the list for rubrics, which the dataset's SpecFile refers to.
func isAside(file string) bool {
	return isForPeople(file) || matchesAny([]string{"dataset_info*.json", "*.yaml", "*.yml"}, file)
}

// isForPeople reports whether no dataset needs a file with this name.
func isForPeople(file string) bool { return matchesAny([]string{".*", "README*", "LICENSE*"}, file) }

// matchesAny reports whether a name matches one of the patterns. An invalid pattern matches nothing.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		match, err := path.Match(pattern, name)
		return match && err == nil
	})
}

// isManifest reports whether a file has the name of a manifest. The name of a packed file does not decide how it is
// unpacked; its content does.
func isManifest(file string) bool {
	return strings.HasSuffix(file, ".json") || strings.HasSuffix(file, ".jsonl") || strings.HasSuffix(file, ".ndjson") ||
		isPacked(file)
}

// isPacked reports whether a file has the name of a compressed manifest, a Parquet file or an archive.
func isPacked(file string) bool {
	return slices.Contains(
		[]string{".gz", ".gzip", ".zst", ".bz2", ".xz", ".parquet", ".tar", ".tgz", ".zip"}, path.Ext(file))
}
