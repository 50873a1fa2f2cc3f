package run

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// rangeScores are the columns of one range that selection needs, and its samples' ids.
type rangeScores struct {
	*scores.Columns
	ids         []string
	tokens      []int32
	twins       []string // nil unless duplicates are looked for
	imageStarts []uint32 // nil unless images have a cap
	images      []string
}

// Samples are those of a pool, as their dataset knows them: both slices have an entry for each.
type Samples struct {
	IDs    []string
	Status []scores.Status
}

// Pool reads the scores of a scored run, every sample in the order of its manifests.
func (s *Store) Pool(ctx context.Context, run string) (*selection.Pool, Samples, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, Samples{}, err
	}
	return s.pool(ctx, plan, selection.Request{})
}

// SeedPool is the same pool with what tells images and twins apart, and an order of chance by the seed.
func (s *Store) SeedPool(ctx context.Context, run string, seed uint64) (*selection.Pool, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	one, err := selection.ParseCap("1")
	if err != nil {
		return nil, err
	}
	pool, _, err := s.pool(ctx, plan, selection.Request{Rules: selection.Rules{Seed: seed, Unique: true, Caps: selection.Caps{Image: one}}})
	return pool, err
}

// pool reads the scores of a run into the form that selection takes.
func (s *Store) pool(ctx context.Context, plan *Plan, spec selection.Request) (*selection.Pool, Samples, error) {
	build := newPoolBuilder(plan.Rubric.Capabilities, spec)
	for _, style := range plan.Rubric.Styles {
		build.styles.id(style) // in the rubric's order, for summaries
	}
	err := build.read(ctx, len(plan.Ranges), func(ctx context.Context, r int) (rangeScores, error) {
		return s.rangeColumns(ctx, plan, r, spec)
	})
	return build.pool, build.samples, err
}

// ReadPool reads files of scores, one at least, in their order, into the form that selection takes.
// The capabilities are those of the first file; one that another file lacks is an error.
func ReadPool(ctx context.Context, files [][]byte, spec selection.Request) (*selection.Pool, Samples, error) {
	first, err := scores.ReadColumns(newReaderAt(files[0]), int64(len(files[0])))
	if err != nil {
		return nil, Samples{}, err
	}
	build := newPoolBuilder(first.Capabilities, spec)
	err = build.read(ctx, len(files), func(_ context.Context, i int) (rangeScores, error) {
		return readRangeScores(files[i], first.Capabilities, spec)
	})
	return build.pool, build.samples, err
}

// A poolBuilder joins the columns of several files.
type poolBuilder struct {
	pool                    *selection.Pool
	samples                 Samples
	spec                    selection.Request
	sources, styles, images names
}

func newPoolBuilder(capabilities []string, spec selection.Request) *poolBuilder {
	pool := selection.NewPool(capabilities...)
	pool.Expected = make([][]uint16, len(capabilities))
	return &poolBuilder{
		pool: pool, spec: spec,
		sources: names{all: &pool.SourceNames}, styles: names{all: &pool.StyleNames}, images: names{all: new([]string)},
	}
}

// read reads n files, several at once, and appends them in order.
func (b *poolBuilder) read(ctx context.Context, n int, file func(context.Context, int) (rangeScores, error)) error {
	columns := make([]rangeScores, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i := range n {
		group.Go(func() (err error) {
			columns[i], err = file(ctx, i)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range columns {
		appendRange(b.pool, columns[i].Columns, &b.sources, &b.styles, b.spec.Seed)
		columns[i].appendExtras(b.pool, &b.images)
		b.samples.IDs = append(b.samples.IDs, columns[i].ids...)
		b.samples.Status = append(b.samples.Status, columns[i].Status...)
		columns[i] = rangeScores{}
	}
	return nil
}

func (s *Store) rangeColumns(ctx context.Context, plan *Plan, r int, spec selection.Request) (rangeScores, error) {
	name := rangeScoresName(plan.Run, r)
	data, err := s.read(ctx, name)
	if err != nil {
		return rangeScores{}, err
	}
	out, err := readRangeScores(data, plan.Rubric.Capabilities, spec)
	if err != nil {
		return rangeScores{}, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(out.ids)) != plan.Ranges[r].Span.Records {
		return rangeScores{}, fmt.Errorf("reading %s: it has %d samples, and the plan %d", name, len(out.ids), plan.Ranges[r].Span.Records)
	}
	return out, nil
}

// readRangeScores reads the columns that a selection needs.
func readRangeScores(data []byte, capabilities []string, spec selection.Request) (rangeScores, error) {
	file, size := newReaderAt(data), int64(len(data))
	var out rangeScores
	var errs [5]error
	out.Columns, errs[0] = scores.ReadColumns(file, size, capabilities...)
	out.ids, errs[1] = scores.ReadIDs(file, size)
	out.tokens, errs[2] = scores.ReadTokens(file, size)
	if spec.Unique {
		out.twins, errs[3] = scores.ReadTwins(file, size)
	}
	if !spec.Caps.Image.IsZero() {
		out.imageStarts, out.images, errs[4] = scores.ReadImages(file, size)
	}
	return out, errors.Join(errs[:]...)
}

// appendExtras appends the columns that only some parameters need.
func (c rangeScores) appendExtras(pool *selection.Pool, images *names) {
	for _, tokens := range c.tokens {
		pool.Tokens = append(pool.Tokens, uint32(tokens))
	}
	for i, twin := range c.twins {
		var content [16]byte // zero for no duplicate of anything
		if c.Status[i] == scores.OK && twin != "" {
			// Whoever wrote the file may have used any hash.
			sum := sha256.Sum256([]byte(twin))
			copy(content[:], sum[:])
		}
		pool.Twin = append(pool.Twin, content)
	}
	if c.imageStarts == nil {
		return
	}
	if pool.ImageStart == nil {
		pool.ImageStart = []uint32{0}
	}
	for i := range c.ids {
		first := len(pool.Image)
		for _, hash := range c.images[c.imageStarts[i]:c.imageStarts[i+1]] {
			if image := images.id(hash); !slices.Contains(pool.Image[first:], image) {
				pool.Image = append(pool.Image, image)
			}
		}
		pool.ImageStart = append(pool.ImageStart, uint32(len(pool.Image)))
	}
}

// appendRange appends a range's samples to a pool. What was not scored has no ratings and no styles, and so is never picked.
func appendRange(pool *selection.Pool, columns *scores.Columns, sources, styles *names, seed uint64) {
	for c := range columns.Ratings {
		pool.Ratings[c] = append(pool.Ratings[c], columns.Ratings[c]...)
		pool.Expected[c] = append(pool.Expected[c], columns.Expected[c]...)
	}
	for i := range columns.Source {
		pool.Source = append(pool.Source, sources.id(columns.SourceNames[columns.Source[i]]))
		pool.Tie = append(pool.Tie, tie(columns.Content[i], seed))
		for _, style := range columns.Style[columns.StyleStart[i]:columns.StyleStart[i+1]] {
			pool.Style = append(pool.Style, styles.id(columns.StyleNames[style]))
		}
		pool.StyleStart = append(pool.StyleStart, uint32(len(pool.Style)))
	}
}

// names gives every name one number, in order of first appearance.
type names struct {
	all *[]string
	ids map[string]uint32
}

func (n *names) id(name string) uint32 {
	id, known := n.ids[name]
	if !known {
		if n.ids == nil {
			n.ids = map[string]uint32{}
		}
		id = uint32(len(*n.all))
		n.ids[name] = id
		*n.all = append(*n.all, name)
	}
	return id
}

// tie is the last word among equals: a hash of the sample's content and the seed.
func tie(content string, seed uint64) uint64 {
	raw, err := hex.DecodeString(content)
	if err != nil {
		raw = []byte(content)
	}
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(raw, seed))
	return h.Sum64()
}
