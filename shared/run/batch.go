package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// A loader loads the images of samples, or copies their scores from an earlier run.
type loader struct {
	runs         *Reader
	texts        Texts
	imageBuckets map[string]bucket.Reader
	memory       *memory.Budget
	looks        *cache.Cache[similarity.Image] // signatures of images, by their hashes
}

// loads is the number of samples that are loaded concurrently.
const loads = 8

func newLoader(
	runs *Reader, texts Texts, imageBuckets map[string]bucket.Reader, budget *memory.Budget,
) *loader {
	return &loader{
		runs: runs, texts: texts, imageBuckets: imageBuckets, memory: budget,
		looks: cache.New(runs.Share(8), func(similarity.Image) int { return lookBytes }),
	}
}

// images returns a Fetcher of the named images of a run's samples.
func (l *loader) images(plan *Plan) (*images.Fetcher, error) {
	c := images.Config{
		Input: l.texts.Input, Buckets: l.imageBuckets, Prefix: plan.Images, Limits: plan.Options.Images,
	}
	if own := (Spec{Dataset: plan.Dataset}); plan.Images == own.ImagesPrefix() {
		own.Images = "./"
		c.Elsewhere = own.ImagesPrefix()
	}
	return images.New(c)
}

// OpenImages opens the images of a run's samples. It waits for the memory of their reader. The caller has to close the
// result.
func (p *Planner) OpenImages(ctx context.Context, plan *Plan) (*Images, error) {
	return p.loader.open(ctx, plan)
}

// open opens the images of a run's samples. It waits for the memory of their reader. The caller has to close the
// result.
func (l *loader) open(ctx context.Context, plan *Plan) (*Images, error) {
	named, err := l.images(plan)
	if err != nil {
		return nil, err
	}
	pictures := NewImages(plan, named, l.texts)
	if kind, contained := plan.Container(); contained && kind.HeldBytes > 0 {
		if pictures.release, err = l.memory.Reader(ctx, kind.HeldBytes); err != nil {
			return nil, err
		}
	}
	return pictures, nil
}

// shardRecords reads a shard's samples, and returns them with a record for each. The records have no ratings yet. The
// records of invalid samples are final.
func (r *Reader) shardRecords(
	ctx context.Context, plan *Plan, t task,
) ([]dataset.Sample, []scores.Record, error) {
	report, err := r.RangeReport(ctx, plan.Run, t.r)
	if err != nil {
		return nil, nil, err
	}
	samples, err := r.samples(ctx, plan, report, t.shard)
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
		records[i].Tokens = samples[i].Tokens()
		signTexts(&records[i], &samples[i])
		measure(&records[i], &samples[i], nil)
		if p := samples[i].Problem; p != nil {
			fail(&records[i], &p.Fault)
		}
	}
	return samples, records, nil
}

// A batch is a part of a shard's valid samples, with their images. at has their positions in the shard.
type batch struct {
	items []scorer.Item
	at    []int
	hold  *memory.Hold // memory of the images; released after rating
	// memory is the budget for decoded images.
	memory *memory.Budget
	looks  *cache.Cache[similarity.Image] // the loader's cache
}

// load reads the images of the samples at some positions, as far as memory allows. later has the positions that remain;
// at least one position is done. Two kinds of samples are not in the batch: a sample with a fault in its images, whose
// record gets the reason, and a sample with scores from an earlier run. The caller has to release the batch.
func (l *loader) load(
	ctx context.Context, pictures *Images, rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
	at []int,
) (b batch, later []int, err error) {
	b.memory, b.looks, b.hold = l.memory, l.looks, l.memory.NewHold(scorer.HeldPerByte(rater))
	loaded := make([]loadedSample, len(at))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loads)
	for k, i := range at {
		if records[i].Status != scores.OK {
			continue
		}
		group.Go(func() (err error) {
			loaded[k], err = l.loadSample(ctx, pictures, &samples[i], &records[i], b.hold)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.hold.Release()
		return batch{}, nil, err
	}
	for k, i := range at {
		switch {
		case records[i].Status != scores.OK || loaded[k].reused:
		case loaded[k].later:
			later = append(later, i)
		default:
			b.items = append(b.items, scorer.Item{Sample: &samples[i], Images: loaded[k].images})
			b.at = append(b.at, i)
		}
	}
	return b, later, nil
}

// A loadedSample has the images of a sample. It has no images if the sample's scores were reused (reused), or if there
// is not enough memory in this batch (later).
type loadedSample struct {
	images        [][]byte
	reused, later bool
}

// loadSample reads the images of a sample, or reuses its earlier scores. If an image has a fault, the record becomes
// the record of a failed sample. If the state of all images is the same as in the previous attempt, no image is read.
func (l *loader) loadSample(
	ctx context.Context, pictures *Images, sample *dataset.Sample, rec *scores.Record, hold *memory.Hold,
) (loadedSample, error) {
	plan := pictures.plan
	if reused, err := l.takeOver(ctx, plan, pictures.Fetcher, sample, rec); reused || err != nil {
		return loadedSample{reused: reused}, err
	}
	fetched, fault, err := pictures.Fetch(ctx, rec.Range, sample, hold)
	if errors.Is(err, memory.ErrFull) {
		return loadedSample{later: true}, nil
	} else if err != nil {
		return loadedSample{}, err
	}
	rec.Seen = fetched.Seen
	if fault != nil {
		fail(rec, fault)
		return loadedSample{}, nil
	}
	identifySample(rec, sample, fetched.Images)
	measure(rec, sample, fetched.Images)
	reused, err := l.reuse(ctx, plan, rec)
	return loadedSample{images: fetched.Images, reused: reused}, err
}

// each loads samples in batches of at most scoreBatch samples, and calls use with each batch. use has to release the
// batch.
func (l *loader) each(
	ctx context.Context, plan *Plan, rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
	use func(batch) error,
) error {
	pictures, err := l.open(ctx, plan)
	if err != nil {
		return err
	}
	defer pictures.Close()
	left := make([]int, len(samples))
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		n := min(scoreBatch, len(left))
		b, later, err := l.load(ctx, pictures, rater, samples, records, left[:n])
		if err != nil {
			return err
		}
		left = slices.Concat(later, left[n:])
		if err := use(b); err != nil {
			return err
		}
	}
	return nil
}

// look returns the state of each image of a sample (images.Fetcher.Look), without reading the images.
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

// rate rates the batch and releases it.
func (b batch) rate(ctx context.Context, rater scorer.Scorer, records []scores.Record) error {
	defer b.hold.Release()
	if len(b.items) == 0 {
		return nil
	}
	looks := b.watch()
	results, err := rater.Rate(ctx, b.items)
	if err != nil {
		return err
	}
	if err := looks.sign(ctx, b.memory, records); err != nil {
		return err
	}
	if len(results) != len(b.items) {
		return fmt.Errorf("the scorer returned results for %d of %d samples", len(results), len(b.items))
	}
	for j, res := range results {
		rec := &records[b.at[j]]
		if res.Code != "" {
			rec.Status, rec.Code, rec.Reason = scores.Failed, res.Code, res.Reason
			continue
		}
		flags := rec.Flags // the sample's flags
		rec.Result = res
		rec.Flags = unite(flags, res.Flags)
		if len(rec.Styles) == 0 {
			rec.Code, rec.Reason = NoKnownStyle, NoKnownStyle.Phrase()
		}
	}
	return nil
}

// fail makes rec the record of a failed sample with a fault.
func fail(rec *scores.Record, fault *dataset.Fault) {
	rec.Status, rec.Code, rec.Reason = scores.Failed, fault.Code, fault.Reason()
}

// unite returns all flags of two lists, each once.
func unite(a, b []string) []string {
	united := slices.Clone(a)
	for _, flag := range b {
		if !slices.Contains(united, flag) {
			united = append(united, flag)
		}
	}
	return united
}
