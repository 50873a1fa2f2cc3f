package subset

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Explanation is why a sample is in a selection, or what kept it out and how near it came.
type Explanation struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	// Failure is why a sample was not scored, or cannot be selected, in words; FailureCode is its code.
	Failure     string      `json:"failure,omitempty"`
	FailureCode reason.Code `json:"failure_code,omitempty"`
	selection.Explanation
}

// Explain explains samples of a selection by their names (dataset.Lookup), in the order given and each once. An unknown
// name is a *run.RefusedError.
func (r *Reader) Explain(ctx context.Context, runID, id string, ids []string) ([]Explanation, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
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
	named, err := samples.find("id", ids)
	if err != nil {
		return nil, &run.RefusedError{Reason: err.Error()}
	}
	params, result, err := apply(pool, samples, sel.Parameters)
	if err != nil {
		return nil, fmt.Errorf("repeating selection %s of run %s: %w", id, runID, err)
	}
	found, err := selection.Explain(pool, params, result, union(named)...)
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
			ID: samples.IDs[x.Sample], Index: index, Status: rec.Status, Failure: rec.Reason, FailureCode: rec.Code,
			Explanation: x,
		}
	}
	return explanations, nil
}
