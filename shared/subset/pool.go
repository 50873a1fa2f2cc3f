package subset

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// reads is how many files of scores are read at the same time.
const reads = 8

// rangeScores are the columns of one range that selection needs, and its samples' ids.
type rangeScores struct {
	*scores.Columns
	ids         []string
	tokens      []int32
	twins       []string // nil unless duplicates are looked for
	imageStarts []uint32 // nil unless images have a cap
	images      []string
}

// Pool reads the scores of a scored run, every sample in the order of its manifests.
func (r *Reader) Pool(ctx context.Context, runID string) (*selection.Pool, Samples, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, Samples{}, err
	}
	return r.pool(ctx, plan, selection.Request{})
}

// SeedPool is the same pool with what distinguishes images and twins, and a random order by the seed.
func (r *Reader) SeedPool(ctx context.Context, runID string, seed uint64) (*selection.Pool, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	one, err := selection.ParseCap("1")
	if err != nil {
		return nil, err
	}
	pool, _, err := r.pool(ctx, plan, selection.Request{
		Rules: selection.Rules{Seed: seed, Unique: true, Caps: selection.Caps{Image: one}},
	})
	return pool, err
}

// pool reads the scores of a run into the form that selection takes.
func (r *Reader) pool(ctx context.Context, plan *run.Plan, spec selection.Request) (*selection.Pool, Samples, error) {
	build := newPoolBuilder(plan.Rubric.Capabilities, spec)
	build.Styles(plan.Rubric.Styles) // numbered in the rubric's order, for summaries
	err := build.read(ctx, len(plan.Ranges), func(ctx context.Context, number int) (rangeScores, error) {
		return r.rangeColumns(ctx, plan, number, spec)
	})
	return build.Pool, build.samples, err
}

// ReadPool reads files of scores, one at least, in their order, into the form that selection takes.
// The capabilities are those of the first file; one that another file lacks is an error.
func ReadPool(ctx context.Context, files [][]byte, spec selection.Request) (*selection.Pool, Samples, error) {
	first, err := scores.ReadColumns(bytes.NewReader(files[0]), int64(len(files[0])))
	if err != nil {
		return nil, Samples{}, err
	}
	build := newPoolBuilder(first.Capabilities, spec)
	err = build.read(ctx, len(files), func(_ context.Context, i int) (rangeScores, error) {
		return readRangeScores(files[i], first.Capabilities, spec)
	})
	return build.Pool, build.samples, err
}

// A poolBuilder joins the columns of several files.
type poolBuilder struct {
	*selection.Builder
	samples Samples
	spec    selection.Request
}

func newPoolBuilder(capabilities []string, spec selection.Request) *poolBuilder {
	b := selection.NewBuilder(capabilities...)
	b.Pool.Expected = make([][]uint16, len(capabilities))
	return &poolBuilder{Builder: b, spec: spec}
}

// read reads n files, several concurrently, and appends them in order.
func (b *poolBuilder) read(ctx context.Context, n int, file func(context.Context, int) (rangeScores, error)) error {
	columns := make([]rangeScores, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
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
		appendRange(b.Builder, columns[i].Columns, b.spec.Seed)
		columns[i].appendExtras(b.Builder)
		b.samples.IDs = append(b.samples.IDs, columns[i].ids...)
		b.samples.Status = append(b.samples.Status, columns[i].Status...)
		columns[i] = rangeScores{}
	}
	return nil
}

// rangeColumns reads the scores of one range of a run.
func (r *Reader) rangeColumns(
	ctx context.Context, plan *run.Plan, number int, spec selection.Request,
) (rangeScores, error) {
	file, err := r.runs.ScoreFile(ctx, plan.Run, number)
	var out rangeScores
	if err == nil {
		if out, err = readRangeScores(file, plan.Rubric.Capabilities, spec); err != nil {
			err = fmt.Errorf("%w: %w", bucket.ErrDamaged, err)
		} else if planned := plan.Ranges[number].Span.Records; int64(len(out.ids)) != planned {
			err = fmt.Errorf("%w: it has %d samples, and the plan %d", bucket.ErrDamaged, len(out.ids), planned)
		}
	}
	if err != nil {
		err = fmt.Errorf("reading %s: %w", run.RangeScoresName(plan.Run, number), err)
		return rangeScores{}, r.runs.Lost(plan.Run, err)
	}
	return out, nil
}

// readRangeScores reads the columns that a selection needs.
func readRangeScores(data []byte, capabilities []string, spec selection.Request) (rangeScores, error) {
	file, size := bytes.NewReader(data), int64(len(data))
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
func (c rangeScores) appendExtras(b *selection.Builder) {
	pool := b.Pool
	for _, tokens := range c.tokens {
		pool.Tokens = append(pool.Tokens, uint32(tokens))
	}
	for i, twin := range c.twins {
		var content [16]byte // zero for no duplicate of anything
		if c.Status[i] == scores.OK && twin != "" {
			content = selection.TwinHash(twin)
		}
		pool.Twin = append(pool.Twin, content)
	}
	if c.imageStarts == nil {
		return
	}
	for i := range c.ids {
		b.AppendImages(c.images[c.imageStarts[i]:c.imageStarts[i+1]])
	}
}

// appendRange appends a range's samples to a pool. A sample that was not scored has no ratings and no styles, and so is
// never picked.
func appendRange(b *selection.Builder, columns *scores.Columns, seed uint64) {
	pool := b.Pool
	for c := range columns.Ratings {
		pool.Ratings[c] = append(pool.Ratings[c], columns.Ratings[c]...)
		pool.Expected[c] = append(pool.Expected[c], columns.Expected[c]...)
	}
	sources := make([]uint32, len(columns.SourceNames)) // the pool's number of each of the file's
	for i, name := range columns.SourceNames {
		sources[i] = b.Source(name)
	}
	styles := b.Styles(columns.StyleNames)
	var list []uint32
	for i, source := range columns.Source {
		pool.Source = append(pool.Source, sources[source])
		pool.Tie = append(pool.Tie, selection.TieHash(columns.Content[i], seed))
		list = list[:0]
		for _, style := range columns.Style[columns.StyleStart[i]:columns.StyleStart[i+1]] {
			list = append(list, styles[style])
		}
		b.AppendStyles(list)
	}
}
