package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/images"
)

// An Upload is the object of the input bucket that asked for a dataset; the zero Upload is a call of the API.
type Upload struct {
	Object     string `json:"object"`
	Generation int64  `json:"generation"`
}

// Uploaded finds what an object that arrived in the input bucket starts: a manifest directly in a dataset's prefix, or
// the dataset's SpecFile. starts is false for objects that start nothing; the Upload is of one that the SpecFile
// next to it names. A *RefusedError is a fault of the object, whose dataset is in the spec.
func (p *Planner) Uploaded(ctx context.Context, object string) (u Upload, spec Spec, starts bool, err error) {
	name, file, ok := uploaded(object)
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
		return Upload{}, Spec{}, false, nil // replaced or gone since: its own notification follows
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

// isNamed reports whether the SpecFile of a dataset names a file next to it: that file is a part of the SpecFile's run.
// If what the SpecFile names is not known, because it is refused, every file counts as a part.
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
	names := append(slices.Clone(spec.Manifests), spec.ScoresFrom)
	if spec.Teacher != nil {
		names = append(names, spec.Teacher.Annotations)
	}
	if err == nil && !slices.Contains(names, file) {
		spec, _, err = p.resolve(ctx, spec)
		names = spec.Manifests
	}
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return true, nil
	}
	return there && slices.Contains(names, file), err
}

// uploaded is the dataset and the file of an object that may start something.
func uploaded(object string) (name, file string, ok bool) {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	name, file, deeper := strings.Cut(rest, "/")
	ok = found && deeper && !strings.Contains(file, "/") && (file == SpecFile || !isAside(file)) && !images.IsName(file)
	return name, file, ok
}

// isLoose reports whether an object lies directly in the prefix of the datasets, and is not there for people.
func isLoose(object string) bool {
	file, found := strings.CutPrefix(object, DatasetsPrefix)
	return found && file != "" && !strings.Contains(file, "/") && !isAside(file) && !images.IsName(file)
}

// misplaced refuses an object of no dataset's folder, or of one whose name no dataset can have; nil for others.
func misplaced(object, name string) error {
	if isLoose(object) {
		folder, _, _ := strings.Cut(plainDataset(name), ".")
		return &RefusedError{Object: object, Reason: fmt.Sprintf("%s: it lies in no dataset's folder; put it into one, "+
			"such as %s%s/%s", object, DatasetsPrefix, folder, name)}
	}
	if namePattern.MatchString(name) {
		return nil
	}
	return &RefusedError{Object: object, Reason: fmt.Sprintf("%s: %q is not a dataset name; use 1 to 100 letters, "+
		"digits, '.', '_' and '-', a letter or digit first: rename the folder, to %s for example", object, name,
		plainDataset(name))}
}

var plainLetter = regexp.MustCompile(`^[A-Za-z0-9._-]$`)

// plainDataset turns an invalid name of a dataset into a similar valid one.
func plainDataset(name string) string {
	plain := strings.Map(func(r rune) rune {
		if plainLetter.MatchString(string(r)) {
			return r
		}
		return '-'
	}, name)
	plain = strings.TrimLeft(plain, "._-")
	return cmp.Or(plain[:min(len(plain), 100)], "dataset")
}

// IsBelow reports whether an object has the name of a manifest and lies in a folder of a dataset, other than parts: it
// starts nothing, and a dataset.yaml may name it.
func IsBelow(object string) bool {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	elements := strings.Split(rest, "/")
	file := elements[len(elements)-1]
	return found && len(elements) > 2 && elements[1] != "parts" && !isAside(file) && isManifest(file)
}

// ListsUploads reports whether Uploads finds any. A folder of this machine has files that are still being copied: who
// serves it watches it.
func (p *Planner) ListsUploads() bool {
	_, onDisk := p.input.(bucket.OnDisk)
	return !onDisk
}

// Uploads lists objects that may start something. It looks at up to limit objects, one of each folder of a dataset,
// after the object called after. next is the last of them, empty if there are no more.
func (p *Planner) Uploads(ctx context.Context, after string, limit int) (found []Upload, next string, err error) {
	for skip := p.ListsUploads(); skip; {
		skip = false
		for attrs, err := range p.input.List(ctx, DatasetsPrefix, after) {
			if err != nil {
				return nil, "", fmt.Errorf("listing the input bucket: %w", err)
			}
			if limit == 0 {
				return found, after, nil
			}
			limit--
			after = attrs.Name
			if parts := strings.SplitN(after, "/", 4); len(parts) == 4 {
				after = strings.Join(parts[:3], "/") + "/\U0010ffff" // past all that is in the folder
				skip = true
				break
			}
			if _, _, ok := uploaded(attrs.Name); ok || isLoose(attrs.Name) {
				found = append(found, Upload{attrs.Name, attrs.Generation})
			}
		}
	}
	return found, "", nil
}

// specOf reads the request of an uploaded file.
func (p *Planner) specOf(ctx context.Context, object, name, file string) (spec Spec, ok bool, err error) {
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
	case isManifest(file):
		return Spec{Dataset: name, Manifests: []string{file}}, true, nil
	}
	return Spec{Dataset: name}, true, &RefusedError{Object: object, Reason: fmt.Sprintf(
		"%s: its name is not that of a manifest; name it .json or .jsonl, or put it in %s%s/parts/ and name it in %s",
		object, DatasetsPrefix, name, SpecFile)}
}

// isAside reports whether a file of a dataset's prefix is there for people or other tools: it starts nothing. A
// rubric is named by the dataset's SpecFile.
func isAside(file string) bool {
	for _, pattern := range []string{".*", "README*", "LICENSE*", "dataset_info*.json", "*.yaml", "*.yml"} {
		if match, err := path.Match(pattern, file); match && err == nil {
			return true
		}
	}
	return false
}

// isManifest reports whether a file's name is that of a manifest. For a packed file the name is enough: its content
// shows how to unpack it.
func isManifest(file string) bool {
	return strings.HasSuffix(file, ".json") || strings.HasSuffix(file, ".jsonl") || strings.HasSuffix(file, ".ndjson") ||
		isPacked(file)
}

// isPacked reports whether a file's name is that of a manifest that is packed, or of tables or an archive.
func isPacked(file string) bool {
	return slices.Contains(
		[]string{".gz", ".gzip", ".zst", ".bz2", ".xz", ".parquet", ".tar", ".tgz", ".zip"}, path.Ext(file))
}
