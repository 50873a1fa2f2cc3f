package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// Each request for a dataset that already has a run starts a check of the run's images. A check has steps. Each step
// compares some ranges, and publishes the next step. A check begins when the run is scored, because samples that are
// not scored will read the current images anyway. It ends after the first range with a changed image, or after the last
// range.
const (
	// checkedStep is the largest number of ranges that a step compares.
	checkedStep = 64
	// checkedStepNames is the number of looked-up names after which a step begins no further range.
	checkedStepNames = 100_000
)

// began reports whether u is the upload that began the run. If it is, the notification of u was redelivered. Otherwise
// u is another upload with equal content.
func (p *Plan) began(u Upload) bool {
	for _, m := range p.Manifests {
		if m.Name == u.Object && m.Generation == u.Generation {
			return true
		}
	}
	return false
}

// A CheckResult is the result of a check of a run's images: runs/<run>/checks/<check>/done.
type CheckResult struct {
	// Attempt is the run that was started because images have changed; empty if no image has changed.
	Attempt string `json:"attempt,omitempty"`
	// Problem is the reason why no run was started although images have changed, or why the check was given up.
	Problem string `json:"problem,omitempty"`
}

// AcceptImageCheck accepts a check of a run's images after another request for its dataset, and begins the check if the
// run is scored. A redelivered notification does not start another check. The notification that began the run starts no
// check.
func (w *Worker) AcceptImageCheck(ctx context.Context, plan *Plan, u Upload) error {
	if plan.Problem != "" || plan.began(u) {
		return nil
	}
	number := u.Generation
	if number == 0 {
		number = w.now().UnixNano()
	}
	check := strconv.FormatInt(number, 10)
	entry := Entry{Run: plan.Run, Check: check}
	if err := w.index.Accept(ctx, entry, checkAcceptedName(plan.Run, check), w.now()); err != nil {
		return err
	}
	if scored, err := w.runs.Scored(ctx, plan.Run); !scored || err != nil {
		return err
	}
	_, err := w.ContinueImageCheck(ctx, plan.Run, check)
	return err
}

// ContinueImageCheck publishes the last step of a check again if its message may be lost. It reports whether the check
// is done. The run must be scored.
func (w *Worker) ContinueImageCheck(ctx context.Context, run, check string) (bool, error) {
	if done, err := bucket.Exists(ctx, w.work, checkDoneName(run, check)); done || err != nil {
		return done, err
	}
	published, err := bucket.Numbers(ctx, w.work, checkSentPrefix(run, check), "")
	if err != nil {
		return false, err
	}
	task := events.ImagesTask{Run: run, Check: check}
	for r := range published {
		task.Range = max(task.Range, r)
	}
	due, err := w.again.Due(
		ctx, checkSentName(run, check, task.Range), checkAgainPrefix(run, check, task.Range), GraceTime)
	if err != nil || !due {
		return false, err
	}
	return false, w.publishCheck(ctx, task)
}

// publishCheck publishes a step of a check, and then creates the object that records this.
func (w *Worker) publishCheck(ctx context.Context, task events.ImagesTask) error {
	if err := w.tasks.Publish(ctx, task.Message()); err != nil {
		return err
	}
	return w.again.Sent(ctx, checkSentName(task.Run, task.Check, task.Range), "images")
}

// CheckImages does a step of a check of a scored run, and reports whether an image in the step's ranges has changed. If
// no image has changed, it publishes the next step, or ends the check. If an image has changed, the caller has to start
// the next attempt and then call EndImageCheck.
func (w *Worker) CheckImages(ctx context.Context, task events.ImagesTask) (changed bool, err error) {
	plan, err := w.runs.Plan(ctx, task.Run)
	if errors.Is(err, ErrNoRun) {
		return false, events.DataError(err)
	} else if err != nil || plan.Problem != "" {
		return false, err
	}
	if err := plan.checkRange(task.Range); err != nil {
		return false, err
	}
	if done, err := bucket.Exists(ctx, w.work, checkDoneName(task.Run, task.Check)); done || err != nil {
		return false, err
	}
	fetcher, err := w.loader.images(plan)
	if err != nil {
		return false, err
	}
	next := task
	var total ImageChanges
	for next.Range < min(task.Range+checkedStep, len(plan.Ranges)) && total.Names < checkedStepNames {
		c, err := w.runs.changedImages(ctx, plan, fetcher, next.Range)
		if err != nil || c.Changed > 0 {
			return err == nil, err
		}
		total.add(c)
		next.Range++
	}
	if next.Range == len(plan.Ranges) {
		return false, w.EndImageCheck(ctx, task, CheckResult{})
	}
	if sent, err := bucket.Exists(ctx, w.work, checkSentName(next.Run, next.Check, next.Range)); sent || err != nil {
		return false, err
	}
	return false, w.publishCheck(ctx, next)
}

// EndImageCheck ends a check with a result, unless the check has ended.
func (w *Worker) EndImageCheck(ctx context.Context, task events.ImagesTask, result CheckResult) error {
	_, err := bucket.CreateJSON(ctx, w.work, checkDoneName(task.Run, task.Check), result)
	return err
}

// FailImageCheck records that a step of a check failed. If an object is lost, or the step has failed maxAttempts times,
// the check is given up: it ends with the reason, the message is acknowledged, and the next request for the dataset
// starts another check. Errors of this machine and cancelled deliveries do not count as failures.
func (w *Worker) FailImageCheck(ctx context.Context, task events.ImagesTask, cause error) error {
	_, machine := errors.AsType[*bucket.MachineError](cause)
	if machine || ctx.Err() != nil || events.IsDataError(cause) {
		return cause
	}
	prefix := checkFailedPrefix(task.Run, task.Check, task.Range)
	failed, err := bucket.Numbers(ctx, w.work, prefix, "")
	if err != nil {
		return errors.Join(cause, err)
	}
	name := prefix + strconv.Itoa(len(failed))
	if _, err := bucket.CreateJSON(ctx, w.work, name, map[string]string{"error": cause.Error()}); err != nil {
		return errors.Join(cause, err)
	}
	if _, lost := errors.AsType[*bucket.LostError](cause); !lost && len(failed)+1 < maxAttempts {
		return cause
	}
	if err := w.EndImageCheck(ctx, task, CheckResult{Problem: cause.Error()}); err != nil {
		return errors.Join(cause, err)
	}
	return events.DataError(fmt.Errorf("check %s of the images of run %s is given up: %w", task.Check, task.Run, cause))
}
