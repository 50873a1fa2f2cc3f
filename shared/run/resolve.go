package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/dataset/recipe"
)

const (
	// maxListed is the largest number of names that are listed to resolve a glob.
	maxListed = 100_000
	// maxManifests is the largest number of manifests of a dataset.
	maxManifests = 10_000
)

// A resolver finds the manifests that a spec names. It expands globs and lists in braces, and reads recipes in the
// input bucket, such as a dataset_info.json.
type resolver struct {
	input  bucket.Reader
	folder string // the dataset's folder in the input bucket
	spec   Spec   // the spec as the user wrote it
	out    Spec   // the spec with names of objects
	at     string // the field of the spec that is resolved, for messages
	// by has, for each manifest that was found, the name in the spec or the recipe that refers to it.
	by map[string]string
	// notes are for the dataset's author. They are not errors.
	notes []string
}

// resolve returns a spec whose manifests are names of objects of the input bucket, and notes on them. The error is a
// *RefusedError if a name refers to no object.
func (p *Planner) resolve(ctx context.Context, spec Spec) (resolved Spec, notes []string, err error) {
	r := resolver{
		input: p.input, folder: DatasetsPrefix + spec.Dataset + "/", spec: spec, out: spec, by: map[string]string{},
	}
	r.out.Manifests, r.out.Readings, r.out.Takes = nil, map[string]forms.Reading{}, map[string]dataset.Take{}
	for i, name := range spec.Manifests {
		r.at = fmt.Sprintf("manifests[%d]", i)
		if err := r.add(ctx, name); err != nil {
			return Spec{}, nil, err
		}
	}
	return r.out, append(r.notes, recipe.MissingParts(r.out.Manifests)...), nil
}

// add adds the manifests that a name of the spec refers to.
func (r *resolver) add(ctx context.Context, name string) error {
	names, err := r.matches(ctx, name)
	if err != nil {
		return err
	}
	if len(names) == 1 && names[0] == name {
		listed, err := r.recipe(ctx, name)
		if err != nil {
			return err
		}
		if listed != nil {
			return r.addRecipe(ctx, name, listed)
		}
	}
	for _, found := range names {
		if err := r.take(found, name, r.spec.Readings[name], r.spec.Takes[name]); err != nil {
			return err
		}
	}
	return nil
}

// take adds a manifest. by is the name that refers to it.
func (r *resolver) take(name, by string, reading forms.Reading, take dataset.Take) error {
	if before, twice := r.by[name]; twice {
		return r.refuse("%s: it is already listed by %s; list it once", name, before)
	}
	r.by[name] = by
	if len(r.out.Manifests) == maxManifests {
		return r.refuse("%s: with it the dataset has more than %d manifests; write them to fewer files", by, maxManifests)
	}
	r.out.Manifests = append(r.out.Manifests, name)
	if !reading.IsZero() {
		r.out.Readings[name] = reading
	}
	if !take.IsZero() {
		r.out.Takes[name] = take
	}
	return nil
}

// recipe reads an object that may be a recipe; nil if the object is not a recipe or does not exist.
func (r *resolver) recipe(ctx context.Context, name string) (*recipe.Recipe, error) {
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml":
	default:
		return nil, nil
	}
	attrs, err := r.input.Stat(ctx, r.folder+name)
	if err != nil || attrs.Size > recipe.MaxBytes { // planning the manifest returns the error again
		return nil, nil
	}
	content, err := bucket.ReadWhole(ctx, r.input, r.folder+name, recipe.MaxBytes)
	if err != nil {
		return nil, unread(r.at, r.folder+name, err)
	}
	listed, err := recipe.Parse(content)
	if err != nil {
		return nil, &RefusedError{Reason: fmt.Sprintf("%s%s: %v", r.folder, name, err), Object: r.folder + name}
	}
	return listed, nil
}

// addRecipe adds the manifests that a recipe lists.
func (r *resolver) addRecipe(ctx context.Context, name string, listed *recipe.Recipe) error {
	_, read := r.spec.Readings[name]
	_, taken := r.spec.Takes[name]
	switch {
	case listed.Kind == recipe.Spec:
		return r.refuse("%s: it is another %s; list the manifests themselves", name, listed.Kind)
	case read || taken:
		return r.refuse("%s: it is a %s, which has its own settings for reading and taking records; remove it from "+
			"`readings` and `takes`", name, listed.Kind)
	}
	field := r.at
	for _, entry := range listed.Entries {
		r.at = fmt.Sprintf("%s: %s: entry %q", field, name, entry.Name)
		if err := r.addEntry(ctx, name, listed.Kind, entry); err != nil {
			return err
		}
		if note := entry.Note(); note != "" {
			r.notes = append(r.notes, name+": "+note)
		}
	}
	return nil
}

// addEntry adds the manifests of an entry of a recipe. Its paths are relative to the recipe, or to the dataset.
func (r *resolver) addEntry(ctx context.Context, name string, kind recipe.Kind, entry recipe.Entry) error {
	var names []string
	var first error
	for _, folder := range []string{path.Dir(name), "."} {
		file := path.Join(folder, entry.File)
		if path.IsAbs(entry.File) || outside(file) {
			return r.refuse("%s: it is outside of %s; upload it there, and write its path relative to %s",
				entry.File, r.folder, name)
		}
		found, err := r.matches(ctx, file)
		if err == nil && len(found) == 1 && found[0] == file { // the path is not a pattern
			err = r.exists(ctx, file)
		}
		if err == nil {
			names = found
			break
		}
		if _, refused := errors.AsType[*RefusedError](err); !refused {
			return err
		}
		first = cmp.Or(first, err)
	}
	if names == nil {
		return first
	}
	if entry.Images != "" {
		root := path.Clean(entry.Images)
		if path.IsAbs(root) || outside(root) {
			return r.refuse("root: %s: it is outside of the dataset's images; write it relative to %s",
				entry.Images, r.spec.ImagesPrefix())
		}
		if root != "." {
			entry.Reading.Root = root
		}
	}
	for _, found := range names {
		reading := entry.Reading
		if len(names) > 1 && kind == recipe.OneVision {
			reading.Source = dataset.Stem(path.Base(found))
		}
		if err := r.take(found, entry.File, reading, entry.Take); err != nil {
			return err
		}
	}
	return nil
}

// exists returns a *RefusedError if a manifest does not exist.
func (r *resolver) exists(ctx context.Context, name string) error {
	if _, err := r.input.Stat(ctx, r.folder+name); err != nil {
		return unread(r.at, r.folder+name, err)
	}
	return nil
}

// outside reports whether a clean relative path leads out of its base folder.
func outside(name string) bool { return name == ".." || strings.HasPrefix(name, "../") }

// matches returns the manifests that a name refers to. If the name is not a pattern, or an object has exactly this
// name, it returns only the name. Else it returns the matches of each alternative in braces, in ascending order.
func (r *resolver) matches(ctx context.Context, name string) ([]string, error) {
	if !recipe.HasPattern(name) {
		return []string{name}, nil
	}
	switch _, err := r.input.Stat(ctx, r.folder+name); {
	case err == nil:
		return []string{name}, nil
	case !errors.Is(err, bucket.ErrNotExist) && !errors.Is(err, bucket.ErrName):
		return nil, unread(r.at, r.folder+name, err)
	}
	expanded, err := recipe.Expand(name)
	if err != nil {
		return nil, r.refuse("%v", err)
	}
	var names []string
	for _, one := range expanded {
		found := []string{one}
		if strings.ContainsAny(one, "*?[") {
			if found, err = r.glob(ctx, one); err != nil {
				return nil, err
			}
		}
		if names = append(names, found...); len(names) > maxManifests {
			return nil, r.refuse("%s: it matches more than %d manifests; write them to fewer files", name, maxManifests)
		}
	}
	return names, nil
}

// glob returns the names of objects that match a glob; a *RefusedError if there are none.
func (r *resolver) glob(ctx context.Context, pattern string) (names []string, err error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, r.refuse("%s: it is not a pattern (%v); a [ begins a list of characters that ends with ]", pattern, err)
	}
	fixed := r.folder + pattern[:strings.IndexAny(pattern, `*?[\`)]
	left := maxListed
	for attrs, err := range r.input.List(ctx, fixed, "") {
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", fixed, err)
		}
		if left--; left < 0 {
			return nil, r.refuse("%s: more than %d objects of the input bucket begin with %s; put the manifests in a "+
				"separate folder, and name this folder in the pattern", pattern, maxListed, fixed)
		}
		name := strings.TrimPrefix(attrs.Name, r.folder)
		if match, _ := path.Match(pattern, name); match { // the pattern is valid
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, r.refuse("%s: no object of the input bucket matches %s%s; upload the files, then request the dataset "+
			"again", pattern, r.folder, pattern)
	}
	return names, nil
}

// refuse returns a *RefusedError about the field of the spec that is being resolved.
func (r *resolver) refuse(format string, args ...any) *RefusedError {
	return &RefusedError{Reason: r.at + ": " + fmt.Sprintf(format, args...)}
}
