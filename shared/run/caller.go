package run

import (
	"context"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

type callerKey struct{}

// WithCaller gives a context whose changes of runs are noted as those of a caller: the email address of the account, or
// an empty text where nobody verified who calls.
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf is the caller of a context; empty if it has none.
func CallerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// A mark is what the marker of a call keeps.
type mark struct {
	Run string    `json:"run"`
	By  string    `json:"by,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// mark writes the marker of a call, unless an earlier call did.
func (w *Worker) mark(ctx context.Context, name, run string) error {
	_, err := bucket.CreateJSON(ctx, w.work, name, mark{Run: run, By: CallerOf(ctx), At: w.now().UTC()})
	return err
}

// Callers are the accounts that requested a run, approved, cancelled or resumed it, as far as they are known.
type Callers struct {
	AskedBy     string `json:"asked_by,omitempty"`
	ApprovedBy  string `json:"approved_by,omitempty"`
	CancelledBy string `json:"cancelled_by,omitempty"`
	ResumedBy   string `json:"resumed_by,omitempty"` // began the present wave
}

// callers reads who changed what becomes of a run. plan is nil while it is being planned.
func (r *Reader) callers(ctx context.Context, plan *Plan, st *Status) (c Callers, err error) {
	var m mark
	if st.State == StateCancelled {
		if err := bucket.ReadJSON(ctx, r.work, cancelledName(st.Run), &m); err != nil {
			return c, r.Lost(st.Run, err)
		}
		c.CancelledBy = m.By
	}
	if plan == nil {
		return c, nil
	}
	wave, err := r.wave(ctx, st.Run)
	if err != nil || wave == nil {
		return c, err
	}
	c.ResumedBy = wave.By
	if plan.NeedsApproval { // a wave has begun, so that it was approved
		if err := bucket.ReadJSON(ctx, r.work, approvedName(st.Run), &m); err != nil {
			return c, r.Lost(st.Run, err)
		}
		c.ApprovedBy = m.By
	}
	return c, nil
}
