package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
)

// containerRange is the factor by which a range of a container may be larger than RANGE_BYTES. Most bytes of a
// container are images, which are not read when ranges are cut.
const containerRange = 4

// Source returns a reader of the unpacked bytes of a manifest at any offset.
func (t Texts) Source(m Manifest) container.Source { return textSource{t, m} }

type textSource struct {
	texts    Texts
	manifest Manifest
}

func (s textSource) Size(ctx context.Context) (int64, error) {
	if s.manifest.Packed == "" {
		return s.manifest.Size, nil
	}
	attrs, err := s.texts.Work.Stat(ctx, s.manifest.unpacked())
	if !errors.Is(err, bucket.ErrNotExist) {
		return attrs.Size, err
	}
	body, err := s.Open(ctx, 0, 0) // Open unpacks the manifest again
	if err != nil {
		return 0, err
	}
	if err := body.Close(); err != nil {
		return 0, err
	}
	attrs, err = s.texts.Work.Stat(ctx, s.manifest.unpacked())
	return attrs.Size, err
}

func (s textSource) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return s.texts.read(ctx, s.manifest, offset, length)
}

// eachContained reads a range of a container and calls use for each of its records, in order.
func eachContained(
	ctx context.Context, texts Texts, plan *Plan, r int, kind container.Kind, parse dataset.Parser,
	use func(*dataset.Sample) error,
) error {
	rng := plan.Ranges[r]
	m := plan.Manifests[rng.Manifest]
	begun := false
	for record, err := range kind.Records(ctx, texts.Source(m), rng.Span, m.Base(), plan.Options.Limits) {
		if errors.Is(err, bucket.ErrNotExist) && !begun {
			return lostRecords(m, rng.Span, use)
		} else if err != nil {
			return fmt.Errorf("reading manifest %s: %w", m.Name, err)
		}
		begun = true
		if err := use(record.Sample(parse)); err != nil {
			return err
		}
	}
	return nil
}

// narrowContained returns the part of span from the record `from` to the record `to`.
func narrowContained(
	ctx context.Context, kind container.Kind, source container.Source, span dataset.Span, from, to int64,
	limits dataset.Limits,
) (dataset.Span, error) {
	narrow := dataset.Span{Start: span.Start, End: span.End, Records: to - from + 1, FirstElement: from}
	for record, err := range kind.Records(ctx, source, span, "", limits) {
		switch element := record.Place.Element; {
		case err != nil:
			return dataset.Span{}, err
		case record.Stored.Extent == dataset.Extent{}: // this kind of container finds records by number, not by offset
			return narrow, nil
		case element == from:
			narrow.Start = record.Stored.Offset
			fallthrough
		case element == to:
			narrow.End = record.Stored.End()
		}
		if record.Place.Element == to {
			break
		}
	}
	return narrow, nil
}

// checkKinds returns a *RefusedError for manifests whose records cannot be in one subset: a container and a file of
// another kind, or two containers with unequal columns. schemas has the schema of each manifest.
func checkKinds(manifests []Manifest, schemas [][]string) error {
	for i := range manifests {
		first, m := manifests[0], manifests[i]
		kind, contained := kinds.ByFormat(m.Format)
		of, firstContained := kinds.ByFormat(first.Format)
		switch {
		case m.Format == first.Format && contained:
			if column := unequal(schemas[0], schemas[i]); column != "" {
				return &RefusedError{Reason: fmt.Sprintf("manifests: %s and %s have unequal columns (%s), but a subset is one "+
					"file; give them the same columns, or curate them separately", first.Name, m.Name, column)}
			}
		case contained || firstContained:
			return &RefusedError{Reason: fmt.Sprintf("manifests: %s is %s and %s is %s, but a subset has one form; curate "+
				"the files of each kind separately", first.Name, nameOf(of), m.Name, nameOf(kind))}
		}
	}
	return nil
}

// nameOf returns the name of a kind of container for messages; "a file of JSON" for a file that is not a container.
func nameOf(kind container.Kind) string {
	if kind.Name == "" {
		return "a file of JSON"
	}
	return kind.Name
}

// unequal returns a text that names the first column in which two schemas differ; empty if they are equal.
func unequal(a, b []string) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return "only the second has " + b[i]
		case i >= len(b):
			return "only the first has " + a[i]
		case a[i] != b[i]:
			return strings.Join([]string{a[i], b[i]}, " and ")
		}
	}
	return ""
}

// An Images reads the images of a plan's samples, both named images and images inside containers. It is safe for
// concurrent use, and has to be closed.
type Images struct {
	*images.Fetcher
	plan  *Plan
	texts Texts
	mu    sync.Mutex
	held  map[int]container.Values // by manifest
	// release releases the memory of the reader of containers.
	release func()
}

// NewImages returns an Images of a plan. named reads images with names, and texts has the containers of other images.
func NewImages(plan *Plan, named *images.Fetcher, texts Texts) *Images {
	return &Images{
		Fetcher: named, plan: plan, texts: texts, held: map[int]container.Values{}, release: func() {},
	}
}

// Fetch reads the images of a sample of a range (images.Fetcher.Fetch).
func (i *Images) Fetch(
	ctx context.Context, r int, sample *dataset.Sample, hold *memory.Hold,
) (images.Fetched, *dataset.Fault, error) {
	return i.Fetcher.Fetch(ctx, sample, i.valuesOf(i.plan.Ranges[r].Manifest), hold)
}

// valuesOf returns the reader of the images inside a manifest; nil if the manifest is not a container.
func (i *Images) valuesOf(manifest int) images.Values {
	m := i.plan.Manifests[manifest]
	kind, contained := kinds.ByFormat(m.Format)
	if !contained {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.held[manifest] == nil {
		i.held[manifest] = kind.Values(i.texts.Source(m))
	}
	return lostValues{i.held[manifest]}
}

// Close closes the readers of containers, and releases their memory.
func (i *Images) Close() error {
	var faults []error
	for _, values := range i.held {
		faults = append(faults, values.Close())
	}
	i.release()
	return errors.Join(faults...)
}

// A lostValues reads images in a container. If the container no longer exists, it returns a fault of the sample.
type lostValues struct{ container.Values }

func (v lostValues) Size(ctx context.Context, r dataset.Record, number int) (int64, *dataset.Fault, error) {
	size, fault, err := v.Values.Size(ctx, r, number)
	if errors.Is(err, bucket.ErrNotExist) {
		fault, err = lostRecord(), nil
	}
	return size, fault, err
}

func (v lostValues) Read(ctx context.Context, r dataset.Record, number int) ([]byte, *dataset.Fault, error) {
	data, fault, err := v.Values.Read(ctx, r, number)
	if errors.Is(err, bucket.ErrNotExist) {
		fault, err = lostRecord(), nil
	}
	return data, fault, err
}
