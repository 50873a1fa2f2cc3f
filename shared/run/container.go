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

// containerRange is how many times RANGE_BYTES a range of a container has: most of it are images, which are not read
// when it is cut.
const containerRange = 4

// Source is what a manifest holds, read by range.
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
	body, err := s.Open(ctx, 0, 0) // unpacks it again
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

// narrowContained is a span of a container with the records from and to of it only.
func narrowContained(
	ctx context.Context, kind container.Kind, source container.Source, span dataset.Span, from, to int64,
	limits dataset.Limits,
) (dataset.Span, error) {
	narrow := dataset.Span{Start: span.Start, End: span.End, Records: to - from + 1, FirstElement: from}
	for record, err := range kind.Records(ctx, source, span, "", limits) {
		switch element := record.Place.Element; {
		case err != nil:
			return dataset.Span{}, err
		case record.Stored.Extent == dataset.Extent{}: // its kind finds records by their numbers
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

// checkKinds refuses manifests whose records cannot be in one subset: containers together with other kinds, or with
// other columns. schemas are the schemas of the manifests.
func checkKinds(manifests []Manifest, schemas [][]string) error {
	for i := range manifests {
		first, m := manifests[0], manifests[i]
		kind, contained := kinds.ByFormat(m.Format)
		of, firstContained := kinds.ByFormat(first.Format)
		switch {
		case m.Format == first.Format && contained:
			if column := unequal(schemas[0], schemas[i]); column != "" {
				return &RefusedError{Reason: fmt.Sprintf("manifests: %s and %s have unequal columns, and a subset is one file: "+
					"%s; give them the same columns, or curate each by itself", first.Name, m.Name, column)}
			}
		case contained || firstContained:
			return &RefusedError{Reason: fmt.Sprintf("manifests: %s is %s and %s is %s, and a subset has one form; curate "+
				"files of each kind by themselves", first.Name, nameOf(of), m.Name, nameOf(kind))}
		}
	}
	return nil
}

// nameOf is what messages call a file of a kind, also of none.
func nameOf(kind container.Kind) string {
	if kind.Name == "" {
		return "a file of JSON"
	}
	return kind.Name
}

// unequal names the first column in which two schemas differ; empty if they are equal.
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

// Images reads the images of a plan's samples, by their names and in containers. It is safe for concurrent use, and has
// to be closed.
type Images struct {
	*images.Fetcher
	plan  *Plan
	texts Texts
	mu    sync.Mutex
	held  map[int]container.Values // by manifest
	// release gives back the memory of what is held.
	release func()
}

// NewImages reads images of a plan with a fetcher of named ones, and those of containers from the texts.
func NewImages(plan *Plan, named *images.Fetcher, texts Texts) *Images {
	return &Images{
		Fetcher: named, plan: plan, texts: texts, held: map[int]container.Values{}, release: func() {},
	}
}

// Fetch reads the images of a sample of a range (images.Fetcher.Fetch).
func (i *Images) Fetch(
	ctx context.Context, r int, sample *dataset.Sample, hold *memory.Hold,
) (images.Fetched, *dataset.Fault, error) {
	return i.Fetcher.Fetch(ctx, sample, i.of(i.plan.Ranges[r].Manifest), hold)
}

// of reads what a manifest holds; nil for a text.
func (i *Images) of(manifest int) images.Values {
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

// Close ends the reading.
func (i *Images) Close() error {
	var faults []error
	for _, values := range i.held {
		faults = append(faults, values.Close())
	}
	i.release()
	return errors.Join(faults...)
}

// lostValues fails samples whose manifest is gone.
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
