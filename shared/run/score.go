package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"golang.org/x/sync/errgroup"
)

const (
	// scoreBatch is how many samples are rated, and how many more have their images read meanwhile.
	scoreBatch = 50
	// fetches is how many samples' images are read at once.
	fetches = 8
	// itemByItemFrom is the attempt from which a shard is scored one sample at a time.
	itemByItemFrom = 5
)

// NoKnownStyle is the reason why a scored sample cannot be selected: its styler named no style of the rubric.
const NoKnownStyle = "no known style"

// A Shard is what one delivery scored: of a shard whose scores were there already, nothing.
type Shard struct {
	Scorer  string // kind of scorer
	Samples events.Counts
	// GivenUp is why the shard was recorded as dead at once: the scorer must stop until a person has mended something.
	GivenUp string
}

// ScoreShard rates one shard and writes its scores, unless they are there already. attempt counts
// the deliveries of the shard's message.
func (s *Store) ScoreShard(ctx context.Context, task events.ShardTask, attempt int, delivery string) (Shard, error) {
	plan, err := s.working(ctx, task.Run)
	if plan == nil || err != nil {
		return Shard{}, err
	}
	if task.Range < 0 || task.Range >= len(plan.Ranges) {
		return Shard{}, events.DataError(fmt.Errorf("run %s has no range %d", plan.Run, task.Range))
	}
	shard := Shard{Scorer: plan.Scorer}
	name := shardScoresName(plan.Run, task.Range, task.Shard)
	if scored, err := s.exists(ctx, name); err != nil {
		return shard, err
	} else if !scored {
		shard.Samples, err = s.scoreShard(ctx, plan, task, attempt)
		if stop, ok := errors.AsType[*scorer.StopError](err); ok {
			// More attempts would be in vain: the run shows as stalled until a person has mended it and resumes it.
			shard.GivenUp = stop.Reason
			return shard, s.Bury(ctx, plan.Run, Dead{Range: task.Range, Shard: task.Shard, Attempts: attempt, Reason: stop.Reason})
		} else if err != nil {
			return shard, fmt.Errorf("scoring shard %d of range %d of run %s: %w", task.Shard, task.Range, plan.Run, err)
		}
	}
	return shard, s.Advance(ctx, plan, task.Range, delivery)
}

// scoreShard counts the samples whose scores it wrote: none, if another delivery was first.
func (s *Store) scoreShard(ctx context.Context, plan *Plan, task events.ShardTask, attempt int) (events.Counts, error) {
	rater, err := s.OpenScorer(ctx, plan.Scorer, plan.Rubric)
	if err != nil {
		return events.Counts{}, err
	}
	if rater.ID() != plan.ScorerID {
		return events.Counts{}, fmt.Errorf("the run was planned for scorer %s, and this service has %s: deploy the planned one, or start the dataset again for a run under the new one", plan.ScorerID, rater.ID())
	}
	if paid, ok := rater.(scorer.Paid); ok {
		if rater, err = paid.ForRun(ctx, plan.Run); err != nil {
			return events.Counts{}, err
		}
	}
	samples, records, err := s.openShard(ctx, plan, task)
	if err != nil {
		return events.Counts{}, err
	}
	rate := s.rateBatches
	if attempt >= itemByItemFrom {
		rate = s.rateItemByItem
	}
	if err := rate(ctx, plan, task, rater, samples, records); err != nil {
		return events.Counts{}, err
	}
	written, err := s.create(ctx, shardScoresName(plan.Run, task.Range, task.Shard), func(w io.Writer) error {
		return scores.Write(w, plan.Rubric.Capabilities, records)
	})
	if err != nil || !written {
		return events.Counts{}, err
	}
	var counts events.Counts
	for i := range records {
		account(&counts, records[i].Status)
	}
	return counts, nil
}

func (s *Store) readShard(ctx context.Context, run string, r, shard int) ([]dataset.Sample, error) {
	name := shardName(run, r, shard)
	body, err := s.Work.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer body.Close()
	samples, err := dataset.ReadShard(body)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return samples, nil
}

// openShard reads a shard's samples, and makes their records as they are before any is rated. Those
// of faulty samples are final.
func (s *Store) openShard(ctx context.Context, plan *Plan, task events.ShardTask) ([]dataset.Sample, []scores.Record, error) {
	report, err := s.rangeReport(ctx, plan.Run, task.Range)
	if err != nil {
		return nil, nil, err
	}
	if task.Shard < 0 || task.Shard >= len(report.Shards) {
		return nil, nil, events.DataError(fmt.Errorf("range %d of run %s has no shard %d", task.Range, plan.Run, task.Shard))
	}
	samples, err := s.readShard(ctx, plan.Run, task.Range, task.Shard)
	if err != nil {
		return nil, nil, err
	}
	position := 0
	for _, n := range report.Shards[:task.Shard] {
		position += n
	}
	records := make([]scores.Record, len(samples))
	hash := plan.Rubric.Hash()
	for i := range samples {
		records[i] = scores.Record{
			ID: samples[i].ID, Range: task.Range, Position: position + i, Source: samples[i].Source,
			Status: scores.OK, ScorerID: plan.ScorerID, Rubric: hash,
		}
		identifySample(&records[i], &samples[i], nil)
		if p := samples[i].Problem; p != nil {
			records[i].Status, records[i].Reason = scores.Failed, p.Reason()
			if p.Kind == dataset.DuplicateID {
				records[i].Status = scores.Skipped
			}
		}
	}
	return samples, records, nil
}

// rateBatches rates a shard batch by batch, and reads the next batch's images meanwhile.
func (s *Store) rateBatches(ctx context.Context, plan *Plan, _ events.ShardTask, rater scorer.Scorer, samples []dataset.Sample, records []scores.Record) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch)
	group.Go(func() error {
		defer close(batches)
		for from := 0; from < len(samples); from += scoreBatch {
			b, err := s.fetch(ctx, plan, samples, records, from, min(from+scoreBatch, len(samples)))
			if err != nil {
				return err
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for b := range batches {
			if err := b.rate(ctx, rater, records); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}

// A batch is a slice of a shard's sound samples with their images; at holds their positions in the shard.
type batch struct {
	items []scorer.Item
	at    []int
}

// fetch reads the images of samples[from:to]. A sample with a fault in its images gets its reason and
// stays out of the batch, as does one whose scores an earlier run has.
func (s *Store) fetch(ctx context.Context, plan *Plan, samples []dataset.Sample, records []scores.Record, from, to int) (batch, error) {
	fetcher, err := s.fetcher(plan)
	if err != nil {
		return batch{}, err
	}
	loaded, reused := make([][][]byte, to-from), make([]bool, to-from)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i := from; i < to; i++ {
		if records[i].Status != scores.OK {
			continue
		}
		group.Go(func() error {
			fetched, fault, err := fetcher.Fetch(ctx, &samples[i])
			if err != nil {
				return err
			}
			if fault != nil {
				records[i].Status, records[i].Reason = scores.Failed, fault.Reason()
				return nil
			}
			identifySample(&records[i], &samples[i], fetched)
			if reused[i-from], err = s.reuse(ctx, plan, &records[i]); err != nil || reused[i-from] {
				return err
			}
			loaded[i-from] = fetched
			return nil
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
		if res.Reason != "" {
			rec.Status, rec.Reason = scores.Failed, res.Reason
			continue
		}
		rec.Result = res
		if len(rec.Styles) == 0 {
			rec.Reason = NoKnownStyle
		}
	}
	return nil
}

// fetcher reads the images of a run's samples.
func (s *Store) fetcher(plan *Plan) (*images.Fetcher, error) {
	return images.New(images.Config{
		Input: s.Input, Buckets: s.ImageBuckets, Prefix: plan.Images, Limits: plan.Options.Images,
	})
}

// reasonKind is the short phrase that a reason begins with.
func reasonKind(reason string) string {
	kind, _, _ := strings.Cut(reason, ":")
	return kind
}

// base is the manifest's file name, as people know it.
func (m Manifest) base() string { return path.Base(m.Name) }
