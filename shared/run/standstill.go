package run

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A standstill says whether a planned run continues to be scored, and if not, why.
type standstill struct {
	state string // StateCancelled, StateAwaitingApproval or StateStalled; StateScoring if the run continues
	wave  *Wave  // the present one; nil before the first
	stop  *Stop  // of the wave; nil if it was not stopped
	// letters are the first dead letters of the wave.
	letters []DeadLetter
}

// standstill finds out whether a run continues. It reads at most dead dead letters.
func (r *Reader) standstill(ctx context.Context, plan *Plan, dead int) (s standstill, err error) {
	s.state = StateScoring
	if s.wave, err = r.wave(ctx, plan.Run); err != nil {
		return s, err
	}
	if s.letters, err = r.deadLetters(ctx, plan.Run, s.wave, dead); err != nil {
		return s, err
	}
	if s.stop, err = r.stopped(ctx, plan.Run, s.wave); err != nil {
		return s, err
	}
	if s.stop != nil || len(s.letters) > 0 {
		s.state = StateStalled
	}
	if plan.NeedsApproval {
		if approved, err := bucket.Exists(ctx, r.work, approvedName(plan.Run)); err != nil {
			return s, err
		} else if !approved {
			s.state = StateAwaitingApproval
		}
	}
	if cancelled, err := bucket.Exists(ctx, r.work, cancelledName(plan.Run)); err != nil {
		return s, err
	} else if cancelled {
		s.state = StateCancelled
	}
	return s, nil
}

// problem is why a stalled run does not continue, in one sentence.
func (s standstill) problem() string {
	if s.stop != nil {
		return s.stop.Reason
	}
	return s.letters[0].problem()
}
