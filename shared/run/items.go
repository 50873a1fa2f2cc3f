package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

const (
	// leaseTime is how long an unreleased lease may belong to a living delivery: longer than any delivery takes.
	leaseTime = 10 * time.Minute
	// maxLeases is how many scorers may die on a sample before it is recorded as failed.
	maxLeases = 2
)

// ScorerDied is the code of a sample on which scorers died.
const ScorerDied = scorer.Died

// A lease says that a sample is being rated. One that is neither released nor followed by a result
// was held by a scorer that died.
type lease struct {
	Until time.Time `json:"until"`
}

// rateItemByItem rates one sample at a time, each under a lease and each with a result of its own,
// so that a sample which kills its scorer costs no other sample.
func (w *Worker) rateItemByItem(
	ctx context.Context, plan *Plan, task events.ShardTask,
	rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
) error {
	prefix := itemsPrefix(plan.Run, task.Range, task.Shard)
	for i := range samples {
		if records[i].Status != scores.OK {
			continue
		}
		result := fmt.Sprintf("%s%07d.parquet", prefix, i)
		switch table, err := w.runs.readScores(ctx, result); {
		case err == nil && len(table.Records) == 1:
			records[i] = table.Records[0]
			continue
		case err == nil:
			return fmt.Errorf("reading %s: it has %d samples, and should have one", result, len(table.Records))
		case !errors.Is(err, bucket.ErrNotExist):
			return err
		}
		held, err := w.takeLease(ctx, fmt.Sprintf("%s%07d.lease", prefix, i))
		if err != nil {
			return err
		}
		if held == "" {
			fail(&records[i], &dataset.Fault{
				Code: ScorerDied, Detail: fmt.Sprintf("%d times; look at its images", maxLeases),
			})
		} else if err := w.rateOne(ctx, plan, rater, samples, records, i); err != nil {
			// A transient error: the lease does not count. It is released even when the delivery is cancelled.
			reason := map[string]string{"error": err.Error()}
			_, release := bucket.CreateJSON(context.WithoutCancel(ctx), w.work, held+".released", reason)
			return errors.Join(err, release)
		}
		_, err = bucket.CreateOnce(ctx, w.work, result, func(file io.Writer) error {
			return scores.Write(file, plan.Rubric.Capabilities, records[i:i+1])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) rateOne(
	ctx context.Context, plan *Plan, rater scorer.Scorer, samples []dataset.Sample, records []scores.Record, i int,
) error {
	b, err := w.loader.load(ctx, plan, samples, records, i, i+1)
	if err != nil {
		return err
	}
	return b.rate(ctx, rater, records)
}

// takeLease takes the next lease of a sample and returns its name; "" if scorers died under as many as are allowed.
func (w *Worker) takeLease(ctx context.Context, name string) (string, error) {
	died := 0
	for n := 1; ; n++ {
		held := fmt.Sprintf("%s.%d", name, n)
		taken, err := bucket.CreateJSON(ctx, w.work, held, lease{Until: w.now().Add(leaseTime)})
		if taken || err != nil {
			return held, err
		}
		if released, err := bucket.Exists(ctx, w.work, held+".released"); err != nil {
			return "", err
		} else if released {
			continue
		}
		var l lease
		if err := bucket.ReadJSON(ctx, w.work, held, &l); err != nil {
			return "", err
		}
		if w.now().Before(l.Until) {
			return "", fmt.Errorf("%s is held by another delivery until %s", held, l.Until.Format(time.RFC3339))
		}
		if died++; died == maxLeases {
			return "", nil
		}
	}
}
