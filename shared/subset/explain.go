package subset

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Explanation is why a sample is in a selection, or what kept it out and how near it came.
type Explanation struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	// Failure is why a sample was not scored, or cannot be selected.
	Failure string `json:"failure,omitempty"`
	selection.Explanation
}

// Explain explains samples of a selection by their ids, in the order given. An id of several samples gives one
// explanation for each. An unknown id is a *run.RefusedError.
func (r *Reader) Explain(ctx context.Context, runID, id string, ids []string) ([]Explanation, error) {
	plan, err := r.runs.Plan(ctx, runID)
	if err != nil {
		return nil, err
	}
	sel, err := r.Selection(ctx, runID, id)
	if err != nil {
		return nil, err
	}
	pool, samples, err := r.pool(ctx, plan, sel.Parameters.Request)
	if err != nil {
		return nil, err
	}
	at, err := positions("id", ids, samples.IDs)
	if err != nil {
		return nil, &run.RefusedError{Reason: err.Error()}
	}
	params, result, err := apply(pool, samples, sel.Parameters)
	if err != nil {
		return nil, fmt.Errorf("repeating selection %s of run %s: %w", id, runID, err)
	}
	found, err := selection.Explain(pool, params, result, at...)
	if err != nil {
		return nil, fmt.Errorf("explaining selection %s of run %s: %w", id, runID, err)
	}
	explanations := make([]Explanation, len(found))
	for i, x := range found {
		index := int64(x.Sample)
		shardRange := plan.RangeOf(index)
		table, err := r.runs.Scores(ctx, runID, shardRange)
		if err != nil {
			return nil, err
		}
		rec := table.Records[index-plan.Ranges[shardRange].FirstIndex]
		explanations[i] = Explanation{
			ID: samples.IDs[x.Sample], Index: index, Status: rec.Status, Failure: rec.Reason, Explanation: x,
		}
	}
	return explanations, nil
}
