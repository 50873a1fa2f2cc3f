package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"golang.org/x/sync/errgroup"
)

// A loader loads what samples are rated from: their images, or the scores that an earlier run has of them.
type loader struct {
	runs         *Reader
	input        bucket.Reader
	imageBuckets map[string]bucket.Reader
	rated        *cache.Cache[map[string]place] // by run; the keys are contents
}

const (
	// loads is how many samples are loaded at the same time.
	loads = 8
	// maxRatedBytes is the most memory for the places of reused samples.
	maxRatedBytes = 512 << 20
)

func newLoader(runs *Reader, input bucket.Reader, imageBuckets map[string]bucket.Reader) *loader {
	return &loader{
		runs: runs, input: input, imageBuckets: imageBuckets,
		rated: cache.New(maxRatedBytes, func(m map[string]place) int { return placeBytes * len(m) }),
	}
}

// images reads the images of a run's samples.
func (l *loader) images(plan *Plan) (*images.Fetcher, error) {
	return images.New(images.Config{
		Input: l.input, Buckets: l.imageBuckets, Prefix: plan.Images, Limits: plan.Options.Images,
	})
}

// shardRecords reads a shard's samples, and makes their records as they are before any is rated. Those
// of invalid samples are final.
func (r *Reader) shardRecords(
	ctx context.Context, plan *Plan, t task,
) ([]dataset.Sample, []scores.Record, error) {
	report, err := r.RangeReport(ctx, plan.Run, t.r)
	if err != nil {
		return nil, nil, err
	}
	samples, err := r.samples(ctx, plan.Run, report, t.shard)
	if err != nil {
		return nil, nil, err
	}
	position := 0
	for _, n := range report.Shards[:t.shard] {
		position += n
	}
	records := make([]scores.Record, len(samples))
	hash := plan.Rubric.Hash()
	for i := range samples {
		records[i] = scores.Record{
			ID: samples[i].ID, Range: t.r, Position: position + i, Source: samples[i].Source,
			Status: scores.OK, ScorerID: plan.ScorerID, Rubric: hash,
		}
		records[i].Flags = samples[i].Flags
		identifySample(&records[i], &samples[i], nil)
		if p := samples[i].Problem; p != nil {
			fail(&records[i], &p.Fault)
		}
	}
	return samples, records, nil
}

// A batch is a slice of a shard's valid samples with their images; at holds their positions in the shard.
type batch struct {
	items []scorer.Item
	at    []int
}

// load reads the images of samples[from:to]. A sample with a fault in its images gets its reason and stays out of the
// batch, as does one whose scores an earlier run has.
func (l *loader) load(
	ctx context.Context, plan *Plan, samples []dataset.Sample, records []scores.Record, from, to int,
) (batch, error) {
	fetcher, err := l.images(plan)
	if err != nil {
		return batch{}, err
	}
	loaded, reused := make([][][]byte, to-from), make([]bool, to-from)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loads)
	for i := from; i < to; i++ {
		if records[i].Status != scores.OK {
			continue
		}
		group.Go(func() (err error) {
			loaded[i-from], reused[i-from], err = l.loadSample(ctx, plan, fetcher, &samples[i], &records[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return batch{}, err
	}
	var b batch
	for i := from; i < to; i++ {
		if records[i].Status == scores.OK && !reused[i-from] {
			b.items = append(b.items, scorer.Item{Sample: &samples[i], Images: loaded[i-from]})
			b.at = append(b.at, i)
		}
	}
	return b, nil
}

// loadSample reads the images of a sample, and reports whether its scores are taken over instead. A fault of its images
// makes the record that of a failed sample. Where an earlier attempt has seen the same of all images, none is read.
func (l *loader) loadSample(
	ctx context.Context, plan *Plan, fetcher *images.Fetcher, sample *dataset.Sample, rec *scores.Record,
) (loaded [][]byte, reused bool, err error) {
	if reused, err = l.takeOver(ctx, plan, fetcher, sample, rec); reused || err != nil {
		return nil, reused, err
	}
	fetched, fault, err := fetcher.Fetch(ctx, sample)
	if err != nil {
		return nil, false, err
	}
	rec.Seen = fetched.Seen
	if fault != nil {
		fail(rec, fault)
		return nil, false, nil
	}
	identifySample(rec, sample, fetched.Images)
	reused, err = l.reuse(ctx, plan, rec)
	return fetched.Images, reused, err
}

// look says what is there of a sample's images, without reading them.
func (l *loader) look(ctx context.Context, plan *Plan, sample *dataset.Sample) ([]string, error) {
	fetcher, err := l.images(plan)
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, img := range sample.Images {
		there, err := fetcher.Look(ctx, img)
		if err != nil {
			return nil, err
		}
		seen = append(seen, there)
	}
	return seen, nil
}

func (b batch) rate(ctx context.Context, rater scorer.Scorer, records []scores.Record) error {
	if len(b.items) == 0 {
		return nil
	}
	results, err := rater.Rate(ctx, b.items)
	if err != nil {
		return err
	}
	if len(results) != len(b.items) {
		return fmt.Errorf("the scorer answered %d of %d samples", len(results), len(b.items))
	}
	for j, res := range results {
		rec := &records[b.at[j]]
		if res.Code != "" {
			rec.Status, rec.Code, rec.Reason = scores.Failed, res.Code, res.Reason
			continue
		}
		flags := rec.Flags // of the sample
		rec.Result = res
		rec.Flags = unite(flags, res.Flags)
		if len(rec.Styles) == 0 {
			rec.Code, rec.Reason = NoKnownStyle, NoKnownStyle.Phrase()
		}
	}
	return nil
}

// fail makes a record that of a sample with a fault.
func fail(rec *scores.Record, fault *dataset.Fault) {
	rec.Status, rec.Code, rec.Reason = scores.Failed, fault.Code, fault.Reason()
}

// unite is all flags of two lists, each once.
func unite(a, b []string) []string {
	united := slices.Clone(a)
	for _, flag := range b {
		if !slices.Contains(united, flag) {
			united = append(united, flag)
		}
	}
	return united
}
