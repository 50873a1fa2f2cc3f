package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// maxDeaths is the number of processes that may crash while they rate only one sample. Then the sample is recorded as
// failed.
const maxDeaths = 2

// ScorerDied is the code of a sample on which scorers crashed.
const ScorerDied = scorer.Died

// rateAlone rates one sample at a time, while this process rates no other sample, and writes the result of each sample.
// So it finds a sample that crashes the process, and no other sample fails. Its delivery holds the shard's lease.
func (w *Worker) rateAlone(
	ctx context.Context, plan *Plan, t task,
	rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
) error {
	prefix := itemsPrefix(plan.Run, t.r, t.shard)
	for i := range samples {
		if records[i].Status != scores.OK {
			continue
		}
		result := fmt.Sprintf("%s%07d.parquet", prefix, i)
		switch table, err := w.runs.readTable(ctx, plan.Run, result); {
		case err == nil && len(table.Records) == 1:
			records[i] = table.Records[0]
			continue
		case err == nil:
			return fmt.Errorf("reading %s: it has %d samples, but must have one", result, len(table.Records))
		case !errors.Is(err, bucket.ErrNotExist):
			return err
		}
		if err := w.rateOne(ctx, plan, fmt.Sprintf("%s%07d.", prefix, i), rater, samples, records, i); err != nil {
			return err
		}
	}
	return nil
}

// rateOne rates a sample and writes its result. If maxDeaths processes crashed while they rated the sample, the result
// is a failure. prefix begins the names of the sample's attempts and of its result.
func (w *Worker) rateOne(
	ctx context.Context, plan *Plan, prefix string,
	rater scorer.Scorer, samples []dataset.Sample, records []scores.Record, i int,
) error {
	deaths, last, err := w.itemAttempts(ctx, prefix)
	if err != nil {
		return err
	}
	write := func() error {
		_, err := bucket.CreateOnce(ctx, w.work, prefix+"parquet", func(file io.Writer) error {
			return scores.Write(file, plan.Rubric.Capabilities, records[i:i+1])
		})
		return err
	}
	if deaths >= maxDeaths {
		if records[i].Seen, err = w.loader.look(ctx, plan, &samples[i]); err != nil {
			return err
		}
		fail(&records[i], &dataset.Fault{
			Code: ScorerDied, Detail: fmt.Sprintf("%d times; check the images of the sample", maxDeaths),
		})
		return write()
	}
	w.alone.Lock()
	defer w.alone.Unlock()
	name := fmt.Sprintf("%s%d", prefix, last+1)
	_, err = bucket.CreateJSON(ctx, w.work, name, map[string]string{"process": w.process.ID})
	var b batch
	if err == nil {
		b, err = w.loadOne(ctx, plan, rater, samples, records, i)
	}
	if err == nil {
		err = b.rate(ctx, rater, records)
	}
	if err == nil {
		err = write()
	}
	if err != nil {
		// The attempt ended with an error and not with its process, even if the delivery is cancelled.
		reason := map[string]string{"error": err.Error()}
		_, end := bucket.CreateJSON(context.WithoutCancel(ctx), w.work, name+endFailed, reason)
		return errors.Join(err, end)
	}
	return nil
}

// loadOne loads one sample.
func (w *Worker) loadOne(
	ctx context.Context, plan *Plan, rater scorer.Scorer, samples []dataset.Sample, records []scores.Record, i int,
) (batch, error) {
	pictures, err := w.loader.open(ctx, plan)
	if err != nil {
		return batch{}, err
	}
	defer pictures.Close()
	b, _, err := w.loader.load(ctx, pictures, rater, samples, records, []int{i})
	return b, err
}

// itemAttempts returns the number of attempts at a sample that ended with their process, and the highest number of an
// attempt.
func (w *Worker) itemAttempts(ctx context.Context, prefix string) (deaths, last int, err error) {
	begun, ended := map[int]bool{}, map[int]bool{}
	for attrs, err := range w.work.List(ctx, prefix, "") {
		if err != nil {
			return 0, 0, fmt.Errorf("listing attempts at a sample: %w", err)
		}
		number, failed := strings.CutSuffix(attrs.Name[len(prefix):], endFailed)
		n, err := strconv.Atoi(number)
		if err != nil {
			continue // the sample's result
		}
		last = max(last, n)
		if failed {
			ended[n] = true
		} else {
			begun[n] = true
		}
	}
	for n := range begun {
		if !ended[n] {
			deaths++
		}
	}
	return deaths, last, nil
}
