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

// A Waiting reports that a run waits for its scorer, which is starting, is overloaded or cannot be reached.
type Waiting struct {
	// Since is the time when the wait was first noticed, and Asked the time of the last request to the scorer.
	Since time.Time `json:"since"`
	Asked time.Time `json:"asked"`
	// Reason is the scorer's answer, or the error of the connection.
	Reason string `json:"reason"`
	// Advice is what a person can do about the wait.
	Advice string `json:"advice"`
}

const (
	// waitEvery is the time that one report covers: a run has at most one report for each minute of the clock. After a
	// report was marked as over, a new wait is reported in the next minute.
	waitEvery = time.Minute
	// waitLasts is the time for which the last report is valid. Messages are redelivered after at most ten minutes.
	waitLasts = 15 * time.Minute
	// maxReason is the largest length of a reason in bytes.
	maxReason = 1000

	waitReported = ".json"
	waitOver     = ".over"
)

// patience is the advice if the scorer gives none.
const patience = "Nothing is lost: scoring continues by itself as soon as the scorer answers. " +
	"If it does not continue within minutes, look at the log of the function score."

// waitName returns the name of the report of a minute. A listing has the latest report first.
func waitName(run string, at time.Time) string {
	return fmt.Sprintf("%s%019d%s", waitsPrefix(run), math.MaxInt64-at.Truncate(waitEvery).UnixNano(), waitReported)
}

// latestWait returns the name of the latest report that a run waits, and whether it is marked as over; an empty name if
// there is no report.
func (r *Reader) latestWait(ctx context.Context, run string) (name string, over bool, err error) {
	for attrs, err := range r.work.List(ctx, waitsPrefix(run), "") {
		if err != nil {
			return "", false, fmt.Errorf("checking if run %s waits: %w", run, err)
		}
		if name != "" { // in a listing, the .over object directly follows its report
			return name, attrs.Name == overName(name), nil
		}
		name = attrs.Name
	}
	return name, false, nil
}

// overName returns the name of the object that marks a report as over.
func overName(report string) string { return strings.TrimSuffix(report, waitReported) + waitOver }

// waiting returns the report of a waiting run that is valid at the time now; nil if there is none. It takes at most two
// requests.
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

// A waits limits how often a process writes reports of waiting runs, and how often it checks for them. It is safe for
// concurrent use.
type waits struct {
	mu   sync.Mutex
	runs map[string]waitTimes
}

// A waitTimes has the times of a process's last report, and of its last check for reports, of a run.
type waitTimes struct{ reported, checked time.Time }

// maxWaits is the largest number of runs in a waits. A forgotten run costs only a few requests.
const maxWaits = 1000

// reportDue reports whether a report of a run is due at the time now. If so, it counts the report as written.
func (w *waits) reportDue(run string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.makeRoom()
	if !now.Truncate(waitEvery).After(w.runs[run].reported) {
		return false
	}
	w.runs[run] = waitTimes{reported: now} // checked is zero: the next rated shard checks for a report
	return true
}

// checkDue reports whether a check for reports of a run is due at the time now. If so, it counts the check as done.
func (w *waits) checkDue(run string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.makeRoom()
	times := w.runs[run]
	if now.Sub(times.checked) < waitEvery {
		return false
	}
	times.checked = now
	w.runs[run] = times
	return true
}

// makeRoom forgets all runs if there are too many.
func (w *waits) makeRoom() {
	if w.runs == nil || len(w.runs) > maxWaits {
		w.runs = map[string]waitTimes{}
	}
}

// watched returns a context in which every wait for a scorer is reported as a wait of the run.
func (w *Worker) watched(ctx context.Context, run string) context.Context {
	return scorer.WithWaits(ctx, func(ctx context.Context, wait scorer.Wait) { w.reportWait(ctx, run, wait) })
}

// reportWait writes a report that a run waits, at most once a minute. The report only informs people, so an error of
// writing it is ignored.
func (w *Worker) reportWait(ctx context.Context, run string, wait scorer.Wait) {
	now := w.now().UTC()
	if !w.waits.reportDue(run, now) {
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

// endWait marks the latest report of a run as over, after the scorer has rated samples of the run. It checks the bucket
// at most once a minute, because another process may have written the report.
func (w *Worker) endWait(ctx context.Context, run string) {
	if !w.waits.checkDue(run, w.now()) {
		return
	}
	if name, over, err := w.runs.latestWait(ctx, run); err == nil && name != "" && !over {
		_, _ = bucket.CreateBytes(ctx, w.work, overName(name), nil)
	}
}
