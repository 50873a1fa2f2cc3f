package run

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Waiting is what a run waits for: its scorer is starting, is full or cannot be reached.
type Waiting struct {
	// Since is when the waiting was first noticed, Asked when the scorer was last asked.
	Since time.Time `json:"since"`
	Asked time.Time `json:"asked"`
	// Reason is what it answered, or why it was not reached.
	Reason string `json:"reason"`
	// Advice is what a person can do about it.
	Advice string `json:"advice"`
}

const (
	// waitEvery is the least time between two reports of one run.
	waitEvery = time.Minute
	// waitLasts is how long the last report is valid: messages are redelivered after ten minutes at most.
	waitLasts = 15 * time.Minute
	// maxReason bounds the reason, in bytes.
	maxReason = 1000

	waitReported = ".json"
	waitOver     = ".over"
)

// patience is the advice if the scorer gives none.
const patience = "Nothing is lost: scoring continues by itself as soon as the scorer answers. " +
	"If it does not within minutes, the log of the function score says more."

// waitName is the name of a report. There is one for each minute, and listings give the latest first.
func waitName(run string, at time.Time) string {
	return fmt.Sprintf("%s%019d%s", waitsPrefix(run), math.MaxInt64-at.Truncate(waitEvery).UnixNano(), waitReported)
}

// latestWait is the name of the latest report that a run waits, and whether scoring continued since; an empty name if
// there is none.
func (r *Reader) latestWait(ctx context.Context, run string) (name string, over bool, err error) {
	for attrs, err := range r.work.List(ctx, waitsPrefix(run), "") {
		if err != nil {
			return "", false, fmt.Errorf("looking whether run %s waits: %w", run, err)
		}
		if name != "" { // an end has the name right after its report
			return name, attrs.Name == overName(name), nil
		}
		name = attrs.Name
	}
	return name, false, nil
}

// overName says that scoring continued after a report.
func overName(report string) string { return strings.TrimSuffix(report, waitReported) + waitOver }

// waiting is what a run waits for at a time; nil if its scorer answers. It takes two requests at most.
func (r *Reader) waiting(ctx context.Context, run string, now time.Time) (*Waiting, error) {
	name, over, err := r.latestWait(ctx, run)
	if name == "" || over || err != nil {
		return nil, err
	}
	w := new(Waiting)
	if err := bucket.ReadJSON(ctx, r.work, name, w); err != nil || now.Sub(w.Asked) > waitLasts {
		return nil, err
	}
	return w, nil
}

// waits limits how often a process reports that runs wait, and looks whether they did. It is safe for concurrent use.
type waits struct {
	mu   sync.Mutex
	runs map[string]waitTimes
}

// waitTimes are when a process did something last about a run.
type waitTimes struct{ reported, looked time.Time }

// maxWaits bounds the runs that are remembered: forgetting costs a few requests.
const maxWaits = 1000

// report reports whether a report of a run is due.
func (w *waits) report(run string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.of(run)
	if !now.Truncate(waitEvery).After(of.reported) {
		return false
	}
	w.runs[run] = waitTimes{reported: now} // and the next success looks
	return true
}

// look reports whether it is due to look for a report of a run.
func (w *waits) look(run string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.of(run)
	if now.Sub(of.looked) < waitEvery {
		return false
	}
	of.looked = now
	w.runs[run] = of
	return true
}

func (w *waits) of(run string) waitTimes {
	if w.runs == nil || len(w.runs) > maxWaits {
		w.runs = map[string]waitTimes{}
	}
	return w.runs[run]
}

// watched is a context that records it as the run's waiting when a call waits for a scorer.
func (w *Worker) watched(ctx context.Context, run string) context.Context {
	return scorer.WithWaits(ctx, func(ctx context.Context, wait scorer.Wait) { w.reportWait(ctx, run, wait) })
}

// reportWait writes what a run waits for, at most once a minute. It is for people, so its failure is not the run's.
func (w *Worker) reportWait(ctx context.Context, run string, wait scorer.Wait) {
	now := w.now().UTC()
	if !w.waits.report(run, now) {
		return
	}
	report := Waiting{Since: now, Asked: now, Reason: wait.Why.Error(), Advice: wait.Advice}
	report.Reason = strings.ToValidUTF8(report.Reason[:min(len(report.Reason), maxReason)], "")
	if before, err := w.runs.waiting(ctx, run, now); err == nil && before != nil {
		report.Since = before.Since
		if report.Advice == "" {
			report.Advice = before.Advice
		}
	}
	if report.Advice == "" {
		report.Advice = patience
	}
	_, _ = bucket.CreateJSON(ctx, w.work, waitName(run, now), report)
}

// waitedNoMore ends what is reported of a run after its scorer has rated samples of it. It looks once a minute: another
// process may have waited.
func (w *Worker) waitedNoMore(ctx context.Context, run string) {
	if !w.waits.look(run, w.now()) {
		return
	}
	if name, over, err := w.runs.latestWait(ctx, run); err == nil && name != "" && !over {
		_, _ = bucket.CreateBytes(ctx, w.work, overName(name), nil)
	}
}
