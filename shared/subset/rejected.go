package subset

import (
	"context"
	"encoding/json"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A Rejected line of rejected.jsonl is why a sample is not in the subset.
type Rejected struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	Code   reason.Code   `json:"reason_code"`
	Reason string        `json:"reason"` // the same in words
	// Place is where a sample stands that was not scored, so that its author can fix it.
	Place *dataset.Place `json:"place,omitempty"`
}

// newRejected is the line of the sample at a position of a range; code is why the selection did not take it.
func newRejected(
	plan *run.Plan, r, position int, sample *dataset.Sample, rec *scores.Record, code reason.Code,
) Rejected {
	line := Rejected{ID: rec.ID, Index: plan.Ranges[r].FirstIndex + int64(position), Status: rec.Status}
	line.Code, line.Reason = rejection(rec, code)
	if rec.Status != scores.OK {
		line.Place = &sample.Place
	}
	return line
}

func newRejectedWriter(w io.Writer) *json.Encoder {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	return lines
}

// WriteRejected writes a Rejected line for each sample that a failed selection did not take, which are all. If id is
// empty it writes the samples of the run that were not scored.
func (r *Reader) WriteRejected(ctx context.Context, runID, id string, w io.Writer) error {
	plan, err := r.runs.Plan(ctx, runID)
	if err != nil {
		return err
	}
	var reasons []string
	if id != "" {
		if reasons, err = r.reasons(ctx, runID, id); err != nil {
			return err
		}
	}
	lines := newRejectedWriter(w)
	for number := range plan.Ranges {
		err := r.eachRecord(ctx, plan, number, func(position int, sample *dataset.Sample, rec *scores.Record) error {
			var code reason.Code
			if id != "" {
				code = reason.Code(reasons[plan.Ranges[number].FirstIndex+int64(position)])
			} else if rec.Status == scores.OK {
				return nil
			}
			return lines.Encode(newRejected(plan, number, position, sample, rec, code))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRecord calls do with each sample of a range and its scores, in their order.
func (r *Reader) eachRecord(
	ctx context.Context, plan *run.Plan, number int, do func(position int, s *dataset.Sample, rec *scores.Record) error,
) error {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return err
	}
	table, err := r.runs.Scores(ctx, plan.Run, number)
	if err != nil {
		return err
	}
	position := 0
	for shard := range report.Shards {
		samples, err := r.runs.Samples(ctx, plan.Run, number, shard)
		if err != nil {
			return err
		}
		for i := range samples {
			if err := do(position, &samples[i], &table.Records[position]); err != nil {
				return err
			}
			position++
		}
	}
	return nil
}

// rejection is why a sample was not picked, as a code and in words: what kept it from being scored, or out of this
// selection.
func rejection(rec *scores.Record, code reason.Code) (reason.Code, string) {
	if rec.Code != "" {
		return rec.Code, rec.Reason
	}
	return code, code.Text(code.Meaning())
}
