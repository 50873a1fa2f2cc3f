package run

import (
	"context"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

type callerKey struct{}

// WithCaller returns a context with a caller. Changes of runs with this context record the caller: the email address of
// the account, or an empty text if the caller was not authenticated.
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf returns the caller of a context; empty if it has none.
func CallerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// A mark is the content of the marker of a call, such as approve or cancel.
type mark struct {
	Run string    `json:"run"`
	By  string    `json:"by,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// mark writes the marker of a call, unless it exists.
func (w *Worker) mark(ctx context.Context, name, run string) error {
	_, err := bucket.CreateJSON(ctx, w.work, name, mark{Run: run, By: CallerOf(ctx), At: w.now().UTC()})
	return err
}

// Callers are the accounts that requested, approved, cancelled and resumed a run. An unknown account is empty.
type Callers struct {
	AskedBy     string `json:"asked_by,omitempty"`
	ApprovedBy  string `json:"approved_by,omitempty"`
	CancelledBy string `json:"cancelled_by,omitempty"`
	ResumedBy   string `json:"resumed_by,omitempty"` // the account that began the current wave
}

// callers reads the callers that approved, cancelled and resumed a run. plan is nil while the run is being planned.
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
	if plan.NeedsApproval { // the run was approved, because a wave has begun
		if err := bucket.ReadJSON(ctx, r.work, approvedName(st.Run), &m); err != nil {
			return c, r.Lost(st.Run, err)
		}
		c.ApprovedBy = m.By
	}
	return c, nil
}
