package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
	"golang.org/x/sync/errgroup"
)

// An accepted run is planned in steps. Each step reads a limited part of one manifest, writes its state, and publishes
// the next step. The next step is of the same manifest or, at the manifest's end, of the manifest whose number is
// higher by the width. So manifests form chains, as ranges do. The first step of the first manifest begins all chains.
// The last step of a chain makes the plan if all manifests are split.

// A draft is the input of planning: runs/<run>/planning/draft.json.
type draft struct {
	// Plan has no ranges. It determines the input, even if the dataset's files change during planning.
	Plan *Plan `json:"plan"`
	// ByDefault is true if the budget of the plan's selection is the service's default budget, because the request has no
	// budget.
	ByDefault bool `json:"by_default"`
	// Width is the number of chains.
	Width int `json:"width"`
}

// PlanAccepted does a step of planning an accepted run, for its first request, and starts the run after the last step.
// It returns the plan after the last step, and nil before. If the plan has a Problem, the run was refused, or planning
// was given up because a step failed too often. created is true for the step that made the plan. delivery is the
// message's id.
func (w *Worker) PlanAccepted(
	ctx context.Context, planner *Planner, task events.PlanTask, spec Spec, delivery string,
) (plan *Plan, created bool, err error) {
	plan, err = w.runs.Plan(ctx, task.Run)
	switch {
	case err == nil && plan.Problem == "":
		return w.start(ctx, plan) // the delivery that made the plan may have been killed before it started the run
	case err == nil:
		return plan, false, w.AnnounceRefused(ctx, plan)
	case !errors.Is(err, ErrPlanning):
		return nil, false, err
	}
	a, err := w.attempt(ctx, planAttempted(task), delivery)
	if a == nil || err != nil {
		return nil, false, err
	}
	err = errDied
	if a.spent < maxAttempts {
		watched := w.watched(ctx, task.Run)
		if plan, created, err = w.planStep(watched, planner, task, spec); err == nil {
			return plan, created, w.end(ctx, a, endDone, nil)
		}
		if errors.Is(err, scorer.ErrUnavailable) {
			scorer.ReportWait(watched, scorer.Wait{Why: err})
		}
	}
	if refused, final := errors.AsType[*RefusedError](err); final {
		return w.refuseAccepted(ctx, task, spec, refused)
	}
	final, ended := w.endFailed(ctx, a, err)
	if !final || ended != nil {
		return nil, false, errors.Join(err, ended)
	}
	return w.givePlanningUp(ctx, task, spec, a.spent, err)
}

// planAttempted returns a step of planning as the work of attempts.
func planAttempted(t events.PlanTask) attempted {
	return attempted{
		label:  fmt.Sprintf("step %d of planning manifest %d of run %s", t.Step, t.Manifest, t.Run),
		prefix: planAttemptsPrefix(t.Run, t.Manifest, t.Step),
	}
}

// draft returns the draft of an accepted run. It makes the draft if an earlier version of Harvest accepted the run.
func (w *Worker) draft(ctx context.Context, planner *Planner, run string, spec Spec) (*draft, error) {
	d, err := w.runs.draft(ctx, run)
	if !errors.Is(err, bucket.ErrNotExist) {
		return d, err
	}
	plan, planned, err := planner.Identify(ctx, spec)
	switch {
	case err != nil:
		return nil, err
	case plan.Problem != "":
		return nil, &RefusedError{Reason: plan.Problem}
	case planned || plan.Run != run:
		return nil, errReplaced
	}
	if err := w.keepDraft(ctx, plan, spec); err != nil {
		return nil, err
	}
	return w.runs.draft(ctx, run)
}

// keepDraft writes the draft of a run, unless there is one.
func (w *Worker) keepDraft(ctx context.Context, plan *Plan, spec Spec) error {
	first := draft{Plan: plan, ByDefault: spec.Budget.IsZero(), Width: w.widthOf(plan)}
	_, err := bucket.CreateJSON(ctx, w.work, draftName(plan.Run), first)
	return err
}

// draft reads the draft of a run; bucket.ErrNotExist if there is none. It is shared: do not change it.
func (r *Reader) draft(ctx context.Context, run string) (*draft, error) {
	return r.drafts.Get(ctx, run, func(ctx context.Context) (*draft, error) {
		d := &draft{Plan: new(Plan)}
		err := bucket.ReadJSON(ctx, r.work, draftName(run), d)
		if errors.Is(err, bucket.ErrDamaged) {
			err = r.Lost(run, err)
		}
		return d, err
	})
}

// planStep does a step of planning, and publishes the next step. After the last step it starts the run.
func (w *Worker) planStep(ctx context.Context, planner *Planner, t events.PlanTask, spec Spec) (*Plan, bool, error) {
	d, err := w.draft(ctx, planner, t.Run, spec)
	if err != nil {
		return nil, false, err
	}
	manifests := len(d.Plan.Manifests)
	if t.Manifest < 0 || t.Manifest >= manifests || t.Step < 0 {
		return nil, false, events.DataError(
			fmt.Errorf("planning of run %s has no step %d of manifest %d", t.Run, t.Step, t.Manifest))
	}
	if t.Manifest == 0 && t.Step == 0 {
		for first := 1; first < min(d.Width, manifests); first++ {
			if err := w.publishPlanning(ctx, events.PlanTask{Run: t.Run, Manifest: first}); err != nil {
				return nil, false, err
			}
		}
	}
	done, err := w.splitStep(ctx, planner, d.Plan, t)
	if err != nil {
		return nil, false, err
	}
	next := t
	if next.Step++; done {
		next.Manifest, next.Step = t.Manifest+d.Width, 0
	}
	if next.Manifest < manifests {
		return nil, false, w.publishPlanning(ctx, next)
	}
	return w.endPlanning(ctx, planner, d)
}

// publishPlanning publishes the next step, unless it was published.
func (w *Worker) publishPlanning(ctx context.Context, t events.PlanTask) error {
	name := planSentName(t.Run, t.Manifest, t.Step)
	if sent, err := bucket.Exists(ctx, w.work, name); sent || err != nil {
		return err
	}
	return w.publishPlan(ctx, t, name)
}

// publishPlan publishes a step, and then creates the object that records this.
func (w *Worker) publishPlan(ctx context.Context, t events.PlanTask, name string) error {
	if err := w.tasks.Publish(ctx, t.Message()); err != nil {
		return err
	}
	return w.again.Sent(ctx, name, "plan")
}

// splitStep does the work of a step, unless its result exists, and reports whether the manifest is split to its end.
func (w *Worker) splitStep(ctx context.Context, planner *Planner, plan *Plan, t events.PlanTask) (bool, error) {
	layout, result := layoutName(t.Run, t.Manifest), scanName(t.Run, t.Manifest, t.Step)
	if done, err := bucket.Exists(ctx, w.work, layout); done || err != nil {
		return done, err
	}
	if there, err := bucket.Exists(ctx, w.work, result); there || err != nil {
		return false, err
	}
	var scan manifestScan
	if t.Step > 0 {
		err := bucket.ReadJSON(ctx, w.work, scanName(t.Run, t.Manifest, t.Step-1), &scan)
		if err != nil {
			return false, w.runs.Lost(t.Run, err)
		}
	}
	scan, err := planner.split(ctx, plan, t.Manifest, scan)
	if err != nil {
		return false, err
	}
	if scan.Done {
		result = layout
	}
	_, err = bucket.CreateJSON(ctx, w.work, result, scan)
	return scan.Done, err
}

// endPlanning makes the plan and starts the run, if all manifests are split. It checks this after its own delivery has
// written its result. So if several deliveries write the last results at the same time, at least one delivery finds all
// results.
func (w *Worker) endPlanning(ctx context.Context, planner *Planner, d *draft) (*Plan, bool, error) {
	split, err := bucket.Numbers(ctx, w.work, layoutsPrefix(d.Plan.Run), ".json")
	if err != nil || !bucket.HasAll(split, 0, len(d.Plan.Manifests)) {
		return nil, false, err
	}
	plan := *d.Plan
	plan.Manifests = slices.Clone(plan.Manifests)
	layouts := make([]manifestScan, len(plan.Manifests))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for m := range layouts {
		group.Go(func() error {
			return w.runs.Lost(plan.Run, bucket.ReadJSON(reading, w.work, layoutName(plan.Run, m), &layouts[m]))
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	if err := plan.addAll(layouts); err != nil {
		return nil, false, err
	}
	rater, err := planner.openScorer(ctx, &plan)
	if err != nil {
		return nil, false, err
	}
	if rater.ID() != plan.ScorerID {
		return nil, false, errReplaced
	}
	if err := planner.complete(ctx, &plan, d.ByDefault, rater); err != nil {
		return nil, false, err
	}
	return w.start(ctx, &plan)
}

// ContinuePlanning publishes the first open step of each chain of planning, unless it was published recently.
func (w *Worker) ContinuePlanning(ctx context.Context, run string) error {
	heads, err := w.planHeads(ctx, run)
	if err != nil {
		return err
	}
	for _, t := range heads {
		name := planSentName(run, t.Manifest, t.Step)
		due, err := w.again.Due(ctx, name, planAgainPrefix(run, t.Manifest, t.Step), GraceTime)
		if err != nil {
			return err
		} else if !due {
			continue
		}
		if err := w.publishPlan(ctx, t, name); err != nil {
			return err
		}
	}
	return nil
}

// planHeads returns the first open step of each chain of planning. If all steps are done, it returns one step, whose
// delivery makes the plan.
func (w *Worker) planHeads(ctx context.Context, run string) ([]events.PlanTask, error) {
	d, err := w.runs.draft(ctx, run)
	if errors.Is(err, bucket.ErrNotExist) {
		return []events.PlanTask{{Run: run}}, nil
	} else if err != nil {
		return nil, err
	}
	split, err := bucket.Numbers(ctx, w.work, layoutsPrefix(run), ".json")
	if err != nil {
		return nil, err
	}
	steps, err := w.planSteps(ctx, run)
	if err != nil {
		return nil, err
	}
	var heads []events.PlanTask
	manifests := len(d.Plan.Manifests)
	for chain := range min(d.Width, manifests) {
		for m := chain; m < manifests; m += d.Width {
			if !split[m] {
				heads = append(heads, events.PlanTask{Run: run, Manifest: m, Step: steps[m]})
				break
			}
		}
	}
	if heads == nil {
		heads = []events.PlanTask{{Run: run, Manifest: manifests - 1}}
	}
	return heads, nil
}

// planSteps returns the number of finished steps of each manifest that is not split to its end.
func (w *Worker) planSteps(ctx context.Context, run string) (map[int]int, error) {
	done := map[int]int{}
	for attrs, err := range w.work.List(ctx, scansPrefix(run), "") {
		if err != nil {
			return nil, fmt.Errorf("listing the steps of planning run %s: %w", run, err)
		}
		folder, file := path.Split(attrs.Name)
		m, numbered := strconv.Atoi(path.Base(folder))
		step, named := strconv.Atoi(strings.TrimSuffix(file, ".json"))
		if numbered == nil && named == nil {
			done[m] = max(done[m], step+1)
		}
	}
	return done, nil
}
