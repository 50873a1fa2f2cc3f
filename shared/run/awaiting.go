package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset/recipe"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/selection"
)

const (
	// maxNamed is the largest number of files that a SpecFile names: manifests, and three other files.
	maxNamed = maxManifests + 3
	// requestAgain is the fix of a dataset that names a missing file, and requestAllAgain if several files are missing.
	requestAgain    = "upload it, then request the dataset again"
	requestAllAgain = "upload them, then request the dataset again"
	// startsItself is the fix if the arrival of the last missing file starts the run.
	startsItself = "upload all files that " + SpecFile + " names; the run starts when the last one arrives"
)

// An Awaiting says what the arrival of an object means for the SpecFile of its dataset.
type Awaiting struct {
	// Spec is the object of the SpecFile if its upload was refused, and waits for the object. If Missing is empty, the
	// caller handles the SpecFile again, as if it was just uploaded.
	Spec    string
	Missing string // an object that is still missing, if Spec is not empty; empty if there is none
	// Run is the refused run of the SpecFile, and Reason is why it was refused, if no file was missing. If Spec is empty,
	// the object is not the reason, or was not replaced. If Run is empty, the SpecFile is invalid, so nobody knows which
	// files it names.
	Run, Reason string
	Named       bool // whether the SpecFile names the object
	// Coming is set if the SpecFile names the object, and its upload was not handled yet: it will start its run itself.
	Coming bool
}

// Awaiting returns what an object means for the SpecFile of its dataset. The object may be this SpecFile.
//
// A SpecFile whose files were missing waits for the last one. The search for a missing file begins at the first file of
// the list, and stops at the first missing one. The work bucket keeps how far it came. So an arrival takes at most 20
// requests, and all arrivals of n files together take n further requests, in any order of the files. A SpecFile whose
// run was refused for another reason waits for the file that was the reason; see corrected.
func (p *Planner) Awaiting(ctx context.Context, object string) (Awaiting, error) {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	name, file, below := strings.Cut(rest, "/")
	if !found || !below || images.IsName(file) || !namePattern.MatchString(name) {
		return Awaiting{}, nil
	}
	at := DatasetsPrefix + name + "/" + SpecFile
	attrs, err := p.input.Stat(ctx, at)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrUnreadable) {
		return Awaiting{}, nil
	} else if err != nil {
		return Awaiting{}, fmt.Errorf("looking for the %s of %s: %w", SpecFile, object, err)
	}
	u := Upload{at, attrs.Generation}
	awaits, err := p.index.Awaits(ctx, u)
	if err != nil || !awaits && file == SpecFile {
		return Awaiting{}, err
	}
	spec, there, err := p.specOf(ctx, at, name, SpecFile)
	if refused, final := errors.AsType[*RefusedError](err); final {
		if file == SpecFile || isForPeople(path.Base(file)) {
			return Awaiting{}, nil
		}
		return Awaiting{Reason: refused.Reason}, nil
	} else if err != nil || !there {
		return Awaiting{}, err
	}
	if !awaits {
		return p.corrected(ctx, u, spec, file)
	}
	names := spec.Named()
	if file != SpecFile && !slices.Contains(names, file) {
		named, err := p.names(ctx, spec, file)
		return Awaiting{Named: named}, err
	}
	missing, err := p.absent(ctx, u, DatasetsPrefix+name+"/", names)
	return Awaiting{Spec: at, Missing: missing, Named: file != SpecFile}, err
}

// arrivedStep is the number of further files after which the work bucket keeps how many files have arrived.
const arrivedStep = 8

// absent returns the first missing object of the names of a SpecFile; empty if all exist.
func (p *Planner) absent(ctx context.Context, u Upload, folder string, names []string) (string, error) {
	first, err := p.index.arrived(ctx, u)
	if err != nil {
		return "", err
	}
	at := min(first, len(names))
	for ; at < len(names); at++ {
		if there, err := p.hasFile(ctx, folder+names[at]); err != nil {
			return "", err
		} else if !there {
			break
		}
	}
	if at-first >= arrivedStep {
		if err := p.index.noteArrived(ctx, u, at); err != nil {
			return "", err
		}
	}
	if at == len(names) {
		return "", nil
	}
	return folder + names[at], nil
}

// Awaits returns the error of accepting an upload, with another fix, if the upload is a SpecFile that is refused
// because a file is missing, and the arrival of its files will start the run; else nil.
func (u Upload) Awaits(spec Spec, err error) *RefusedError {
	refused, final := errors.AsType[*RefusedError](err)
	if !final || refused.Missing == "" || !u.IsSpec() {
		return nil
	}
	file := strings.TrimPrefix(refused.Missing, DatasetsPrefix+spec.Dataset+"/")
	if !slices.Contains(spec.Named(), file) {
		return nil
	}
	waits := *refused
	for _, fix := range []string{requestAgain, requestAllAgain} {
		waits.Reason = strings.Replace(waits.Reason, fix, startsItself, 1)
	}
	return &waits
}

// Named returns the files in the dataset's folder that a spec names. It returns none if a manifest is a glob, because
// the number of files that a glob stands for is not known. A run that starts too early would miss some of them.
func (s Spec) Named() []string {
	var names []string
	for _, manifest := range s.Manifests {
		expanded, err := recipe.Expand(manifest)
		if err != nil || strings.ContainsAny(manifest, "*?[") || len(names)+len(expanded) > maxManifests {
			return nil
		}
		names = append(names, expanded...)
	}
	return append(names, s.otherFiles()...)
}

// mentions reports whether a spec names a file in the dataset's folder, by its name or by a pattern.
func (s Spec) mentions(file string) bool {
	return slices.Contains(s.otherFiles(), file) || slices.ContainsFunc(s.Manifests, func(manifest string) bool {
		expanded, err := recipe.Expand(manifest)
		return manifest == file || err == nil && (slices.Contains(expanded, file) || matchesAny(expanded, file))
	})
}

// otherFiles returns the files in the dataset's folder that a spec names, except its manifests.
func (s Spec) otherFiles() (names []string) {
	if s.Rubric != "" {
		names = append(names, s.Rubric)
	}
	if s.ScoresFrom != "" && !strings.HasPrefix(s.ScoresFrom, selection.ExternalPrefix) {
		names = append(names, s.ScoresFrom)
	}
	if s.Teacher != nil && s.Teacher.Annotations != "" {
		names = append(names, s.Teacher.Annotations)
	}
	return names
}
