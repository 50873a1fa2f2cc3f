package subset

import (
	"bytes"
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// reads is the number of files of scores that are read concurrently. Files that are read but not yet in the pool need
// additional memory.
const reads = 8

// A Pool has the samples from which selections of a run, or of files of scores, are made.
type Pool struct {
	*selection.Catalog
	Samples
	// Reach is the report on the distance of the samples from the scorer's training data; nil if it is not known.
	Reach *reach.Report
	// Numbers reports how the request's file of numbers matches the samples; nil without a file.
	Numbers *NumbersMatch
}

// Pool returns the pool of a scored run. It has all samples in the order of the run's manifests. It is shared: do not
// change it.
func (r *Reader) Pool(ctx context.Context, runID string) (*Pool, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	return r.pool(ctx, plan, selection.Request{})
}

// SeedPool returns the pool for seed sets. It also has the groups of equal images and of twins, and a random order that
// depends on the seed.
func (r *Reader) SeedPool(ctx context.Context, runID string, seed uint64) (*Pool, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	one, err := selection.ParseCap("1")
	if err != nil {
		return nil, err
	}
	return r.pool(ctx, plan, selection.Request{
		Rules: selection.Rules{Seed: seed, Unique: true, Caps: selection.Caps{Image: one}},
	})
}

// pool returns the pool of a run with the columns that a request needs. It reads the scores, unless the pool is in
// memory. The error is a *run.RefusedError if the request is invalid.
func (r *Reader) pool(ctx context.Context, plan *run.Plan, spec selection.Request) (*Pool, error) {
	scored, err := r.scoredPool(ctx, plan, spec)
	if err != nil || spec.ScoresFrom == "" && len(spec.ColumnNames()) == 0 {
		return scored, err
	}
	return r.withColumns(ctx, plan, spec, scored)
}

// scoredPool reads the scores of a run into a Pool, or finds the Pool in memory.
func (r *Reader) scoredPool(ctx context.Context, plan *run.Plan, spec selection.Request) (*Pool, error) {
	request := columnRequest(plan.Rubric.Capabilities, spec)
	return r.pools.get(ctx, poolKey(plan, spec), poolBytes(plan, request), func(ctx context.Context) (*Pool, error) {
		build := newPoolBuilder(request, int(plan.Samples))
		build.scale = plan.Reach
		build.Styles(plan.Rubric.Styles) // numbers styles in the rubric's order, for summaries
		build.samples.first, build.samples.ids = r.samplesOf(plan).first, r.samplesOf(plan).ids
		if !spec.Caps.Cluster.IsZero() {
			clusters, err := r.clusters(ctx, plan)
			if err != nil {
				return nil, err
			}
			build.Pool.Cluster = clusters.leaders
		}
		return build.read(ctx, len(plan.Ranges), func(ctx context.Context, number int) (*scores.Columns, error) {
			return r.rangeColumns(ctx, plan, number, request)
		})
	})
}

func poolKey(plan *run.Plan, spec selection.Request) string {
	request := columnRequest(nil, spec)
	return fmt.Sprintf("%s %d %t %t %t %s %t", plan.Run, request.Seed, request.Twins, request.Images, request.Answers,
		request.Visual, !spec.Caps.Cluster.IsZero())
}

// samplesOf returns the Samples of a run, without their outcomes.
func (r *Reader) samplesOf(plan *run.Plan) Samples {
	samples := Samples{ids: func(ctx context.Context, number int) ([]string, error) {
		return r.rangeIDs(ctx, plan, number)
	}}
	for _, rng := range plan.Ranges {
		samples.first = append(samples.first, int(rng.FirstIndex))
	}
	return samples
}

// ReadPool reads one or more files of scores, in their order, into a Pool. The Pool has the capabilities of the first
// file. ReadPool returns an error if another file lacks a capability.
func ReadPool(ctx context.Context, files [][]byte, spec selection.Request) (*Pool, error) {
	first, err := readColumns(files[0], columnRequest(nil, spec))
	if err != nil {
		return nil, err
	}
	request := columnRequest(first.Capabilities, spec)
	build := newPoolBuilder(request, len(first.Status)*len(files))
	build.samples.ids = func(_ context.Context, number int) ([]string, error) {
		return scores.ReadIDs(bytes.NewReader(files[number]), int64(len(files[number])))
	}
	return build.read(ctx, len(files), func(_ context.Context, i int) (*scores.Columns, error) {
		return readColumns(files[i], request)
	})
}

// poolBytes estimates the memory of a run's pool. The terms are, for each sample: a byte for each rating and two for
// each expected score; tie hash, tokens, source, status, shape, two styles and their start; groups, sum and hint;
// template; and columns that only some selections need.
func poolBytes(plan *run.Plan, request scores.ColumnRequest) int {
	perSample := 3*len(request.Capabilities) + 8 + 4 + 4 + 1 + 1 + 2*4 + 4 + 8 + 8 + 4
	if request.Twins {
		perSample += 16
	}
	if request.Answers {
		perSample += 4
	}
	return int(plan.Samples) * perSample
}

// columnRequest returns the columns of scores that a selection needs.
func columnRequest(capabilities []string, spec selection.Request) scores.ColumnRequest {
	return scores.ColumnRequest{
		Capabilities: capabilities, Seed: spec.Seed, Twins: spec.Unique, Images: !spec.Caps.Image.IsZero(),
		Answers: spec.Strategy == selection.Longest, Visual: spec.VisualTokens,
	}
}

func readColumns(file []byte, request scores.ColumnRequest) (*scores.Columns, error) {
	return scores.ReadColumns(bytes.NewReader(file), int64(len(file)), request)
}

// rangeColumns reads the scores of one range of a run.
func (r *Reader) rangeColumns(
	ctx context.Context, plan *run.Plan, number int, request scores.ColumnRequest,
) (columns *scores.Columns, err error) {
	err = r.runs.ReadScores(ctx, plan, number, func(file []byte) (rows int, err error) {
		if columns, err = readColumns(file, request); err != nil {
			return 0, err
		}
		return len(columns.Status), nil
	})
	return columns, err
}

// rangeIDs reads the ids of one range of a run.
func (r *Reader) rangeIDs(ctx context.Context, plan *run.Plan, number int) (ids []string, err error) {
	err = r.runs.ReadScores(ctx, plan, number, func(file []byte) (rows int, err error) {
		ids, err = scores.ReadIDs(bytes.NewReader(file), int64(len(file)))
		return len(ids), err
	})
	return ids, err
}

// A poolBuilder joins the columns of several files.
type poolBuilder struct {
	*selection.Builder
	samples   Samples
	expected  int // expected number of samples
	templates similarity.Templates
	scale     *reach.Scale   // nil if it is not known
	tallies   []*reach.Tally // by source
}

// newPoolBuilder returns a poolBuilder with memory for a number of samples. It grows if more samples are added.
func newPoolBuilder(request scores.ColumnRequest, samples int) *poolBuilder {
	b := &poolBuilder{Builder: selection.NewBuilder(request.Capabilities...), expected: samples}
	pool := b.Pool
	pool.Expected = make([][]uint16, len(request.Capabilities))
	for c := range request.Capabilities {
		pool.Ratings[c], pool.Expected[c] = make([]int8, 0, samples), make([]uint16, 0, samples)
	}
	pool.Tie = make([]uint64, 0, samples)
	pool.Source, pool.Tokens = make([]uint32, 0, samples), make([]uint32, 0, samples)
	pool.Shape = make([]selection.Shape, 0, samples)
	pool.Template = make([]uint32, 0, samples)
	pool.StyleStart = append(make([]uint32, 0, samples+1), 0)
	if request.Twins {
		pool.Twin = make([][16]byte, 0, samples)
	}
	b.samples.Status = make([]scores.Status, 0, samples)
	return b
}

// read reads n files, several concurrently, appends them in order, and returns the Pool.
func (b *poolBuilder) read(
	ctx context.Context, n int, file func(context.Context, int) (*scores.Columns, error),
) (*Pool, error) {
	planned := len(b.samples.first) > 0
	for first := 0; first < n; first += reads {
		var columns [reads]*scores.Columns
		group, ctx := errgroup.WithContext(ctx)
		for i := range min(reads, n-first) {
			group.Go(func() (err error) {
				columns[i], err = file(ctx, first+i)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for _, c := range columns[:min(reads, n-first)] {
			if !planned {
				b.samples.first = append(b.samples.first, b.Pool.Len())
			}
			b.append(c)
		}
	}
	b.clusterTemplates()
	catalog, err := selection.NewCatalog(b.Pool)
	return &Pool{Catalog: catalog, Samples: b.samples, Reach: b.reach()}, err
}

// append appends a file's samples to the pool. A sample that was not scored has no ratings and no styles, so it is
// never picked.
func (b *poolBuilder) append(columns *scores.Columns) {
	pool := b.Pool
	for c := range columns.Ratings {
		pool.Ratings[c] = append(pool.Ratings[c], columns.Ratings[c]...)
		pool.Expected[c] = append(pool.Expected[c], columns.Expected[c]...)
	}
	pool.Tie = append(pool.Tie, columns.Tie...)
	pool.Tokens = append(pool.Tokens, columns.Tokens...)
	pool.Answers = append(pool.Answers, columns.Answers...)
	pool.Shape = append(pool.Shape, columns.Shape...)
	pool.Twin = append(pool.Twin, columns.Twin...)
	b.samples.Status = append(b.samples.Status, columns.Status...)
	sources := make([]uint32, len(columns.SourceNames)) // maps the file's numbers to the pool's
	for i, name := range columns.SourceNames {
		sources[i] = b.Source(name)
	}
	b.appendTemplates(columns)
	for _, source := range columns.Source {
		pool.Source = append(pool.Source, sources[source])
	}
	b.tally(columns, sources)
	styles := b.Styles(columns.StyleNames)
	b.growLists(len(columns.Status), len(columns.Style))
	var list []uint32
	for i := range columns.Status {
		list = list[:0]
		for _, style := range columns.Style[columns.StyleStart[i]:columns.StyleStart[i+1]] {
			list = append(list, styles[style])
		}
		b.AppendStyles(list)
		if columns.ImageStart != nil {
			b.AppendImages(columns.Image[columns.ImageStart[i]:columns.ImageStart[i+1]])
		}
	}
}

// appendTemplates appends the numbers of a file's templates.
func (b *poolBuilder) appendTemplates(columns *scores.Columns) {
	counts := make([]uint32, len(columns.Templates)+1)
	for _, template := range columns.Template {
		counts[template]++
	}
	numbers := make([]uint32, len(counts))
	for i, key := range columns.Templates {
		if counts[i+1] > 0 {
			numbers[i+1] = b.templates.Number(key, columns.TemplateNames[i], counts[i+1])
		}
	}
	for _, template := range columns.Template {
		b.Pool.Template = append(b.Pool.Template, numbers[template])
	}
}

// namedTemplates is the number of templates of a pool, the largest ones, whose texts are kept.
const namedTemplates = 100

// clusterTemplates replaces the number of each sample's template by the number of the template's cluster.
func (b *poolBuilder) clusterTemplates() {
	of, names := b.templates.Clusters(namedTemplates)
	for i, template := range b.Pool.Template {
		b.Pool.Template[i] = of[template]
	}
	b.Pool.TemplateNames, b.templates = names, similarity.Templates{}
}

// growLists makes room for further styles. If the memory is too small, it estimates the number of styles of all samples
// from the samples so far, and allocates memory for them.
func (b *poolBuilder) growLists(samples, styles int) {
	pool := b.Pool
	if len(pool.Style)+styles <= cap(pool.Style) {
		return
	}
	seen := len(pool.StyleStart) - 1 + samples
	all := (len(pool.Style) + styles) * max(b.expected, seen) / seen
	grown := make([]uint32, len(pool.Style), all+all/64)
	copy(grown, pool.Style)
	pool.Style = grown
}
