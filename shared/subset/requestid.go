package subset

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// requestID returns the id of a request for a selection of a run; empty for the plan's own selection.
func requestID(
	plan *run.Plan, planned, request selection.Request, allowed run.Allowance,
) (string, error) {
	resolved, err := plan.Resolve(request)
	if err != nil {
		return "", &run.RefusedError{Reason: err.Error()}
	}
	id, err := run.CanonicalHash(resolved)
	if err != nil {
		return "", fmt.Errorf("identifying a request: %w", err)
	}
	if allowed.Or(plan.MaxFailed) != plan.MaxFailed {
		if id, err = run.CanonicalHash([]any{resolved, allowed}); err != nil {
			return "", fmt.Errorf("identifying a request: %w", err)
		}
		return id, nil
	}
	if automatic, err := plan.Resolve(planned); err == nil {
		if own, err := run.CanonicalHash(automatic); err != nil || own == id {
			return "", err
		}
	}
	return id, nil
}
