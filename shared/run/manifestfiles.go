package run

import (
	"context"

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
	for _, name := range resolved.Manifests {
		m, err := p.stat(ctx, DatasetsPrefix+spec.Dataset+"/"+name)
		if err != nil {
			return nil, err
		}
		m.Reading, m.Take = resolved.reading(name), resolved.Takes[name]
		files.manifests = append(files.manifests, m)
	}
	return files, nil
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
