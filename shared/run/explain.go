package run

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Explanation tells why a sample is in a selection, or what kept it out and how near it came.
type Explanation struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	// Failure is why a sample was not scored, or cannot be selected.
	Failure string `json:"failure,omitempty"`
	selection.Explanation
}

// Explain explains samples of a selection by their ids, in the order given. An id of several
// samples gives one explanation for each.
func (s *Store) Explain(ctx context.Context, run, id string, wanted []string) ([]Explanation, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	sel, err := s.Selection(ctx, run, id)
	if err != nil {
		return nil, err
	}
	pool, samples, err := s.pool(ctx, plan, sel.Parameters.Request)
	if err != nil {
		return nil, err
	}
	at, err := positions("id", wanted, samples.IDs)
	if err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	params, result, err := apply(pool, samples, sel.Parameters)
	if err != nil {
		return nil, fmt.Errorf("repeating selection %s of run %s: %w", id, run, err)
	}
	found, err := selection.Explain(pool, params, result, at...)
	if err != nil {
		return nil, fmt.Errorf("explaining selection %s of run %s: %w", id, run, err)
	}
	explanations := make([]Explanation, len(found))
	for i, x := range found {
		explanations[i] = Explanation{ID: samples.IDs[x.Sample], Index: int64(x.Sample), Explanation: x}
		if err := s.addFailure(ctx, plan, &explanations[i]); err != nil {
			return nil, err
		}
	}
	return explanations, nil
}

// addFailure adds what the sample's scores say of it.
func (s *Store) addFailure(ctx context.Context, plan *Plan, x *Explanation) error {
	r := plan.rangeOf(x.Index)
	name := rangeScoresName(plan.Run, r)
	table, err := s.tables.get(name, func() (*scores.Table, error) { return s.readScores(ctx, name) })
	if err != nil {
		return err
	}
	rec := table.Records[x.Index-plan.Ranges[r].FirstIndex]
	x.Status, x.Failure = rec.Status, rec.Reason
	return nil
}
