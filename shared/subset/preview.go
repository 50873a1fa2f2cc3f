package subset

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Preview describes the selection that a request would make. An equal request makes an equal selection.
type Preview struct {
	Parameters selection.ResolvedRequest `json:"parameters"`
	Total      int                       `json:"total"`    // number of samples of the run, with failed and skipped samples
	Selected   int                       `json:"selected"` // number of samples; if 0, the selection would fail
	// Shortfall is the part of the budget that could not be filled, in samples or tokens.
	Shortfall    int                          `json:"shortfall"`
	Shortfalls   []selection.Shortfall        `json:"shortfalls,omitempty"`
	Capabilities []selection.CapabilityResult `json:"capabilities"`
	Summary      selection.Summary            `json:"summary"`
	// Evaluations counts the samples that are near to evaluation sets; nil if the request names no set.
	Evaluations *Contamination `json:"evaluations,omitempty"`
	// Numbers reports how the request's file of numbers matches the samples; nil without a file.
	Numbers *NumbersMatch `json:"numbers,omitempty"`
}

// Preview selects from a scored run like Select, but stores no selection. It stores only the request's file of numbers.
// Its errors are those of Sweep.
func (s *Selector) Preview(
	ctx context.Context, runID string, request selection.Request, allowed run.Allowance,
) (*Preview, error) {
	plan, of, err := s.checkRequest(ctx, runID, request, allowed)
	if err != nil {
		return nil, err
	}
	var p *Preview
	err = s.pools.compute(ctx, func() error {
		pool, err := s.pool(ctx, plan, of.params.Request)
		if err != nil {
			return err
		}
		near, err := s.compareWith(ctx, s.sets, plan, pool, of.evaluations, of.params.Request.ExcludeImages)
		if err != nil {
			return err
		}
		chosen, err := pool.apply(ctx, of.params, near.dropped)
		if err != nil {
			return err
		}
		result := chosen.result
		p = &Preview{
			Parameters: of.params, Total: pool.Pool.Len(), Selected: len(result.Picks), Shortfall: result.Shortfall(),
			Shortfalls: result.Shortfalls, Capabilities: result.Capabilities,
			Summary:     pool.Summarize(result, of.params.Request.Seed),
			Evaluations: near.Contamination, Numbers: pool.Numbers,
		}
		return nil
	})
	if _, refused := errors.AsType[*run.RefusedError](err); err != nil && !refused && !errors.Is(err, ErrBusy) {
		return nil, fmt.Errorf("previewing a selection of run %s: %w", runID, err)
	}
	return p, err
}
