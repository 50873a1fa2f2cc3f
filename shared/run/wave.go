package run

import (
	"context"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A Wave is a round of attempts at the tasks of a run: runs/<run>/waves/<number>.json. The first wave begins with the
// run. Each resume begins a further wave. Messages of an earlier wave are acknowledged without work.
type Wave struct {
	Number int `json:"number"`
	// Width is the number of ranges, and the number of shards, that are published and not done at any time.
	Width int `json:"width"`
	// Dead is the number of dead letters that the wave tries again, if a resume began it.
	Dead int       `json:"dead,omitempty"`
	At   time.Time `json:"at"` // the time when the wave began
	// By is the caller who resumed the run.
	By string `json:"by,omitempty"`
}

// wave returns the current wave of a run; nil before the first wave.
func (r *Reader) wave(ctx context.Context, run string) (*Wave, error) {
	numbers, err := bucket.Numbers(ctx, r.work, wavesPrefix(run), ".json")
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	last := 0
	for n := range numbers {
		last = max(last, n)
	}
	return r.waves.Get(ctx, waveName(run, last), func(ctx context.Context) (*Wave, error) {
		w := new(Wave)
		return w, r.damagedOnly(run, bucket.ReadJSON(ctx, r.work, waveName(run, last), w))
	})
}

// laterWave returns the current wave of a run after an attempt at a task. If the run was removed in the meantime, the
// error is permanent.
func (w *Worker) laterWave(ctx context.Context, run string) (*Wave, error) {
	wave, err := w.runs.wave(ctx, run)
	if err == nil && wave == nil {
		err = events.DataError(fmt.Errorf("%w: %s %w", ErrNoRun, run, events.ErrRemoved))
	}
	return wave, err
}

// beginWave begins a wave unless another delivery has begun it.
func (w *Worker) beginWave(ctx context.Context, plan *Plan, number, dead int) error {
	next := Wave{Number: number, Width: w.widthOf(plan), Dead: dead, At: w.now().UTC()}
	if number > 0 {
		next.By = CallerOf(ctx)
	}
	_, err := bucket.CreateJSON(ctx, w.work, waveName(plan.Run, number), next)
	return err
}

// widthOf returns the width of the waves of a run.
func (w *Worker) widthOf(plan *Plan) int {
	if width := w.widths[plan.Scorer]; width > 0 {
		return width
	}
	return w.width
}

// A Stop ends a wave: runs/<run>/waves/<number>.stopped. The scorer gets no more requests until a person has fixed the
// cause and resumed the run.
type Stop struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// stop marks a wave as stopped.
func (w *Worker) stop(ctx context.Context, run string, wave *Wave, reason string) error {
	_, err := bucket.CreateJSON(ctx, w.work, stoppedName(run, wave.Number), Stop{Reason: reason, At: w.now().UTC()})
	return err
}

// stopped returns the Stop of the current wave of a run; nil if the wave was not stopped.
func (r *Reader) stopped(ctx context.Context, run string, wave *Wave) (*Stop, error) {
	if wave == nil {
		return nil, nil
	}
	there, err := bucket.Exists(ctx, r.work, stoppedName(run, wave.Number))
	if !there || err != nil {
		return nil, err
	}
	s := new(Stop)
	return s, r.damagedOnly(run, bucket.ReadJSON(ctx, r.work, stoppedName(run, wave.Number), s))
}
