package run

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scores"
	"golang.org/x/sync/errgroup"
)

const (
	// comparedRanges is the number of ranges that are compared concurrently on one machine.
	comparedRanges = 4
	// imageLookups is the number of images of a range that are looked up concurrently.
	imageLookups = 64
)

// ImageChanges counts the samples whose images have changed since the samples were rated.
type ImageChanges struct {
	Samples int64 // number of samples in the compared ranges
	Changed int64 // number of samples with an image that is new, missing or different
	Kept    int64 // number of scored samples without a change; the next attempt reuses their scores
	Names   int   // number of image names that were looked up
}

func (c *ImageChanges) add(more ImageChanges) {
	c.Samples += more.Samples
	c.Changed += more.Changed
	c.Kept += more.Kept
	c.Names += more.Names
}

// ChangedImages compares the images of a run's samples with their recorded states, in all ranges that have scores. It
// reads no image. After each range it calls done with the number of compared samples.
func (p *Planner) ChangedImages(ctx context.Context, plan *Plan, done func(samples int64)) (ImageChanges, error) {
	scored, err := bucket.Numbers(ctx, p.runs.work, scoresPrefix(plan.Run), ".parquet")
	if err != nil {
		return ImageChanges{}, err
	}
	fetcher, err := p.loader.images(plan)
	if err != nil {
		return ImageChanges{}, err
	}
	var mu sync.Mutex
	var total ImageChanges
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparedRanges)
	for r := range plan.Ranges {
		if !scored[r] {
			continue
		}
		group.Go(func() error {
			c, err := p.runs.changedImages(ctx, plan, fetcher, r)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(c)
			done(total.Samples)
			return nil
		})
	}
	return total, group.Wait()
}

// changedImages compares the images of the samples of a scored range with their recorded states.
func (r *Reader) changedImages(
	ctx context.Context, plan *Plan, fetcher *images.Fetcher, number int,
) (ImageChanges, error) {
	status, changed, looked, err := r.changedRows(ctx, plan, fetcher, number, func(int) bool { return true })
	if err != nil {
		return ImageChanges{}, err
	}
	c := ImageChanges{Samples: int64(len(status)), Names: looked}
	for i := range status {
		switch {
		case changed[i] != "":
			c.Changed++
		case status[i] == scores.OK:
			c.Kept++
		}
	}
	return c, nil
}

// ReplacedImages counts the samples with an image whose size or generation has changed since the sample was rated.
// example is one such image. It checks only the samples for which included returns true. counts has the number of these
// samples in each range. Ranges without such samples are skipped. It reads no image.
func (r *Reader) ReplacedImages(
	ctx context.Context, plan *Plan, fetcher *images.Fetcher, counts []int, included func(index int) bool,
) (samples int, example string, err error) {
	for number, n := range counts {
		if n == 0 {
			continue
		}
		first := int(plan.Ranges[number].FirstIndex)
		_, changed, _, err := r.changedRows(ctx, plan, fetcher, number, func(row int) bool { return included(first + row) })
		if err != nil {
			return 0, "", err
		}
		for _, name := range changed {
			if name != "" {
				samples, example = samples+1, cmp.Or(example, name)
			}
		}
	}
	return samples, example, nil
}

// changedRows returns the status of each sample of a scored range. If included returns true for a sample, changedRows
// also returns the first image of the sample that differs from its recorded state; empty if there is none. A sample
// that was given up, or has an invalid record, has no recorded state and is not compared. looked is the number of names
// that were looked up.
func (r *Reader) changedRows(
	ctx context.Context, plan *Plan, fetcher *images.Fetcher, number int, included func(row int) bool,
) (status []scores.Status, changed []string, looked int, err error) {
	file, err := r.scoreFile(ctx, plan.Run, number)
	if err != nil {
		return nil, nil, 0, r.unreadScores(plan, number, err)
	}
	status, starts, seen, err := scores.ReadSeen(bytes.NewReader(file), int64(len(file)))
	if err := r.checkScores(plan, number, len(status), err); err != nil {
		return nil, nil, 0, err
	}
	names, err := r.seenNames(ctx, plan, number, starts, seen)
	if err != nil {
		return nil, nil, 0, err
	}
	for i := range status {
		if !included(i) {
			clear(names[starts[i]:starts[i+1]])
		}
	}
	now, err := lookAll(ctx, fetcher, names)
	if err != nil {
		return nil, nil, 0, err
	}
	changed = make([]string, len(status))
	for i := range status {
		for j := starts[i]; j < starts[i+1]; j++ {
			if changed[i] == "" && names[j] != "" && now[names[j]] != seen[j] {
				changed[i] = names[j]
			}
		}
	}
	return status, changed, len(now), nil
}

// seenNames returns the name of each image with a recorded state, in the order of seen; empty for an embedded image.
// The images of row i of the range's scores are starts[i] to starts[i+1]. Shards are read only if an image has a name.
func (r *Reader) seenNames(
	ctx context.Context, plan *Plan, number int, starts []uint32, seen []string,
) ([]string, error) {
	names := make([]string, len(seen))
	named := false
	for _, s := range seen {
		named = named || s != images.Embedded
	}
	if !named {
		return names, nil
	}
	report, err := r.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return nil, r.Lost(plan.Run, err)
	}
	row := 0
	for shard, n := range report.Shards {
		if row+n > len(starts)-1 {
			return nil, fmt.Errorf("%s has %d samples, but the shards of its range have more",
				RangeScoresName(plan.Run, number), len(starts)-1)
		}
		if starts[row] == starts[row+n] {
			row += n
			continue
		}
		samples, err := r.samples(ctx, plan, report, shard)
		if err != nil {
			return nil, err
		}
		for i := range samples {
			own := names[starts[row]:starts[row+1]]
			for j := range min(len(own), len(samples[i].Images)) {
				own[j] = samples[i].Images[j].Name
			}
			row++
		}
	}
	return names, nil
}

// lookAll returns the current state of the image of each name. It looks up each name once, and skips empty names.
func lookAll(ctx context.Context, fetcher *images.Fetcher, names []string) (map[string]string, error) {
	asked := map[string]bool{"": true}
	now := map[string]string{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(imageLookups)
	for _, name := range names {
		if asked[name] {
			continue
		}
		asked[name] = true
		group.Go(func() error {
			there, err := fetcher.Look(ctx, dataset.Image{Name: name})
			mu.Lock()
			defer mu.Unlock()
			now[name] = there
			return err
		})
	}
	return now, group.Wait()
}
