package run

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A standstill is the reason why a planned run does not continue to be scored.
type standstill struct {
	state string // StateCancelled, StateAwaitingApproval or StateStalled; StateScoring if the run continues
	wave  *Wave  // the current wave; nil before the first wave
	stop  *Stop  // nil if the wave was not stopped
	// letters are the first dead letters of the wave.
	letters []DeadLetter
}

// standstill returns the reason why a run does not continue, or StateScoring if it continues. It reads at most maxDead
// dead letters.
func (r *Reader) standstill(ctx context.Context, plan *Plan, maxDead int) (s standstill, err error) {
	s.state = StateScoring
	if s.wave, err = r.wave(ctx, plan.Run); err != nil {
		return s, err
	}
	if s.letters, err = r.deadLetters(ctx, plan.Run, s.wave, maxDead); err != nil {
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

// problem returns the reason why a stalled run does not continue, in one sentence.
func (s standstill) problem() string {
	if s.stop != nil {
		return s.stop.Reason
	}
	return s.letters[0].problem()
}
