package run

import (
	"context"
	"errors"
	"fmt"
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
	// requestAgain is the fix of a dataset that names a missing file.
	requestAgain = "upload it, then request the dataset again"
	// startsItself is the fix if the arrival of the last missing file starts the run.
	startsItself = "upload all files that " + SpecFile + " names; the run starts when the last one arrives"
)

// An Awaiting is a SpecFile whose upload was refused because files that it names were missing.
type Awaiting struct {
	Spec    string // object of the SpecFile; empty if no SpecFile waits
	Missing string // an object that is still missing; empty if there is none
}

// Awaiting returns the SpecFile that waits for an object, or the object itself if it is such a SpecFile. If no file is
// missing any more, the caller handles the SpecFile again, as if it was just uploaded.
//
// The search for a missing file begins at the first file of the list, and stops at the first missing one. The work
// bucket keeps how far it came. So an arrival takes at most 20 requests, and all arrivals of n files together take n
// further requests, in any order of the files.
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
	if awaits, err := p.index.Awaits(ctx, u); !awaits || err != nil {
		return Awaiting{}, err
	}
	spec, there, err := p.specOf(ctx, at, name, SpecFile)
	if _, refused := errors.AsType[*RefusedError](err); refused { // it was replaced since, which has its own notification
		return Awaiting{}, nil
	} else if err != nil || !there {
		return Awaiting{}, err
	}
	names := spec.Named()
	if file != SpecFile && !slices.Contains(names, file) {
		return Awaiting{}, nil
	}
	missing, err := p.absent(ctx, u, DatasetsPrefix+name+"/", names)
	return Awaiting{Spec: at, Missing: missing}, err
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
	waits.Reason = strings.Replace(waits.Reason, requestAgain, startsItself, 1)
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
