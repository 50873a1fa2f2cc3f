package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/compression"
)

// A manifestFiles has the manifests that a spec names.
type manifestFiles struct {
	spec      Spec     // has the name of each manifest, without patterns and recipes
	notes     []string // notes of the plan
	manifests []Manifest
}

// files finds the manifests of a spec.
func (p *Planner) files(ctx context.Context, spec Spec) (*manifestFiles, error) {
	resolved, notes, err := p.resolve(ctx, spec)
	if err != nil {
		return nil, err
	}
	files := &manifestFiles{spec: resolved, notes: notes}
	folder := DatasetsPrefix + spec.Dataset + "/"
	for i, name := range resolved.Manifests {
		m, err := p.stat(ctx, folder+name)
		if err != nil {
			return nil, p.allMissing(ctx, err, folder, slices.Concat(resolved.Manifests[i+1:], spec.otherFiles()))
		}
		m.Reading, m.Take = resolved.reading(name), resolved.Takes[name]
		files.manifests = append(files.manifests, m)
	}
	return files, nil
}

// mostMissing is the largest number of missing files that an error names.
const mostMissing = 5

// allMissing returns an error of reading a file that a spec names. If the file is missing, the error also names the
// missing ones among other files of the dataset's folder.
func (p *Planner) allMissing(ctx context.Context, err error, folder string, others []string) error {
	first, ok := errors.AsType[*RefusedError](err)
	if !ok || first.Missing == "" {
		return err
	}
	missing := []string{first.Missing}
	for _, name := range others {
		if there, err := p.hasFile(ctx, folder+name); err != nil {
			return err
		} else if !there && folder+name != first.Missing {
			missing = append(missing, folder+name)
		}
	}
	if len(missing) == 1 {
		return first
	}
	named, last := missing[:len(missing)-1], missing[len(missing)-1]
	if more := len(missing) - mostMissing; more > 0 {
		named, last = missing[:mostMissing], fmt.Sprintf("%d more", more)
	}
	return &RefusedError{Missing: first.Missing, Reason: fmt.Sprintf(
		"%s and %s are not in the input bucket; %s", strings.Join(named, ", "), last, requestAllAgain)}
}

func (p *Planner) stat(ctx context.Context, name string) (Manifest, error) {
	attrs, err := p.input.Stat(ctx, name)
	if err != nil {
		return Manifest{}, unread("manifests", name, err)
	}
	sum, err := p.input.Checksum(ctx, name)
	if err != nil {
		return Manifest{}, unread("manifests", name, err)
	}
	m := Manifest{Name: name, Size: attrs.Size, CRC32C: sum, Generation: attrs.Generation}
	if attrs.Encoded {
		m.Packed = compression.Encoded
	}
	return m, nil
}
