package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A ScorerOpener opens the scorer of a kind for a rubric. It is called for every shard. So if a scorer was replaced in
// the meantime, its new id is noticed.
type ScorerOpener func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error)

// A Planner computes the plans of runs. It writes only temporary objects: the content of compressed manifests.
type Planner struct {
	runs   *Reader
	texts  Texts
	input  bucket.Reader
	open   ScorerOpener
	limits Limits
	loader *loader

	patience time.Duration    // PlannerConfig.Patience
	uploads  selection.Budget // PlannerConfig.Uploads
	index    *Index
}

// A PlannerConfig configures a Planner.
type PlannerConfig struct {
	Runs       *Reader
	Input      bucket.Reader
	Work       bucket.Bucket // for temporary objects
	OpenScorer ScorerOpener
	Limits     Limits
	// ImageBuckets are the buckets, by name, that gs:// image names may refer to. If the input bucket is among them, only
	// objects below the run's images may be used. ImageBuckets may be empty.
	ImageBuckets map[string]bucket.Reader
	// Memory is the memory budget for the images of samples that a survey rates.
	Memory *memory.Budget
	// Uploads is the budget of uploads that name no budget, even if their run is already scored; zero for none. The budget
	// of the Limits applies only to new runs.
	Uploads selection.Budget
	// Patience is the time to wait for a scorer that cannot be reached. If it is 0, the scorer determines the time.
	Patience time.Duration
}

// ScorerPatience is the Patience of services, so that a caller of the API gets an answer within 5 s.
const ScorerPatience = 3 * time.Second

// NewPlanner returns a Planner. The error names a missing or invalid field.
func NewPlanner(c PlannerConfig) (*Planner, error) {
	switch {
	case c.Runs == nil:
		return nil, missing("Planner", "Reader")
	case c.Input == nil:
		return nil, missing("Planner", "input bucket")
	case c.Work == nil:
		return nil, missing("Planner", "work bucket")
	case c.OpenScorer == nil:
		return nil, missing("Planner", "opener of scorers")
	case c.Memory == nil:
		return nil, missing("Planner", "budget of memory")
	}
	return &Planner{
		runs: c.Runs, texts: Texts{c.Input, c.Work}, input: c.Input, open: c.OpenScorer, limits: c.Limits,
		loader: newLoader(c.Runs, Texts{c.Input, c.Work}, c.ImageBuckets, c.Memory), patience: c.Patience,
		uploads: c.Uploads, index: NewIndex(c.Work),
	}, nil
}

// Bounded returns a copy of the planner with a lower limit on the unpacked bytes of compressed manifests, because a
// waiting caller has less time than a run. by is the name of the setting of the limit, for errors.
func (p *Planner) Bounded(unpacked int64, by string) *Planner {
	bounded := *p
	bounded.limits.Compressed = p.limits.Compressed.AtMost(unpacked, by)
	return &bounded
}

// RemoveUnpacked removes the unpacked content of a plan's compressed manifests from a bucket of one machine. A run that
// still needs this content unpacks the manifests again.
func (p *Planner) RemoveUnpacked(ctx context.Context, plan *Plan) {
	plan.RemoveUnpacked(ctx, p.texts.Work)
}

// Plan returns the plan of a dataset's run. It reads the plan if the run has one; else it computes the plan. The error
// is a *RefusedError if the dataset or the spec is invalid.
func (p *Planner) Plan(ctx context.Context, spec Spec) (*Plan, error) {
	plan, rater, err := p.identify(ctx, spec)
	if err == nil && plan.Problem != "" {
		return nil, &RefusedError{Reason: plan.Problem}
	}
	if err != nil || rater == nil {
		return plan, err
	}
	if err = p.splitAll(ctx, plan); err == nil {
		err = p.complete(ctx, plan, spec.Budget.IsZero(), rater)
	}
	if err != nil {
		// Remove the unpacked content of all manifests, because it may not be known yet which manifests are compressed.
		for _, m := range plan.Manifests {
			m.removeUnpacked(ctx, p.texts.Work)
		}
		return nil, err
	}
	return plan, nil
}

// splitAll splits all manifests of a plan, and adds their ranges to it.
func (p *Planner) splitAll(ctx context.Context, plan *Plan) (err error) {
	scans := make([]manifestScan, len(plan.Manifests))
	for m := range scans {
		for !scans[m].Done {
			if scans[m], err = p.split(ctx, plan, m, scans[m]); err != nil {
				return err
			}
		}
	}
	return plan.addAll(scans)
}

// Identify finds the run of a dataset without reading its manifests. If planned is true, it returns the run's plan;
// else a plan without ranges. The error is a *RefusedError if the dataset or the spec is invalid, and
// scorer.ErrUnavailable if the scorer cannot be reached, because the scorer's id is a part of the run's identity.
func (p *Planner) Identify(ctx context.Context, spec Spec) (plan *Plan, planned bool, err error) {
	plan, rater, err := p.identify(ctx, spec)
	return plan, rater == nil, err
}

// identify reads the plan of a run that has one, and returns no scorer. For another run it makes a plan without ranges,
// and returns the plan's scorer.
func (p *Planner) identify(ctx context.Context, spec Spec) (*Plan, scorer.Scorer, error) {
	limits := p.limits
	if err := spec.Validate(); err != nil {
		return nil, nil, &RefusedError{Reason: err.Error()}
	}
	prefix := DatasetsPrefix + spec.Dataset + "/"
	plan := &Plan{
		Layout: LayoutVersion, Dataset: spec.Dataset, Images: spec.ImagesPrefix(), Scorer: spec.Scorer,
		LLMMode: spec.LLMMode, Ranges: []Range{},
		Options: Options{Limits: limits.Records, Images: limits.Images},
		Reading: dataset.ReadingVersion,
		Constants: Constants{
			RangeBytes: limits.RangeBytes, ShardSamples: limits.ShardSamples, ShardBytes: limits.ShardBytes,
		},
		Selection: spec.Request, Reuse: spec.Reuse, Limit: spec.Limit, MaxFailed: spec.MaxFailed.Or(limits.MaxFailed),
	}
	if plan.Scorer == "" {
		plan.Scorer = limits.Scorer
	}
	if plan.Selection.Budget.IsZero() {
		plan.Selection.Budget = limits.Budget
	}
	var err error
	if plan.Rubric, err = p.rubric(ctx, prefix, spec.Rubric); err != nil {
		return nil, nil, p.allMissing(ctx, err, prefix, spec.Named())
	}
	if err := p.check(ctx, plan); err != nil {
		return nil, nil, err
	}
	return p.fill(ctx, plan, spec)
}

// fill adds to a plan all data that depend on the buckets and the scorer, except the ranges. If the run has a plan,
// fill returns that plan and no scorer.
func (p *Planner) fill(ctx context.Context, plan *Plan, spec Spec) (*Plan, scorer.Scorer, error) {
	var files *manifestFiles
	var err error
	if spec.Teacher != nil { // the scorer has weights that depend on the manifests
		if files, err = p.files(ctx, spec); err != nil {
			return nil, nil, err
		}
		if plan.Scorer, err = p.taught(ctx, files, plan.Rubric); err != nil {
			return nil, nil, err
		}
	}
	rater, err := p.openScorer(ctx, plan)
	if err != nil {
		return nil, nil, err
	}
	plan.ScorerID, plan.Reach = rater.ID(), reach.Of(rater)
	if files == nil {
		if files, err = p.files(ctx, spec); err != nil {
			return nil, nil, err
		}
	}
	plan.Notes, plan.Manifests = files.notes, files.manifests
	planned, err := p.latestAttempt(ctx, plan, spec)
	if planned != nil || err != nil {
		return planned, nil, err
	}
	return plan, rater, nil
}

// check returns a *RefusedError for a plan that names a run or capabilities that do not exist.
func (p *Planner) check(ctx context.Context, plan *Plan) error {
	if plan.Reuse != "" {
		_, err := p.runs.UsablePlan(ctx, plan.Reuse)
		_, refused := errors.AsType[*RefusedError](err)
		if refused || errors.Is(err, ErrNoRun) || errors.Is(err, ErrPlanning) {
			return &RefusedError{Reason: fmt.Sprintf("reuse: %v; name another run, or leave out reuse", err)}
		} else if err != nil {
			return err
		}
	}
	err := plan.Selection.ValidateNames(plan.Rubric.Capabilities, plan.Rubric.Styles)
	if err = errors.Join(err, plan.Selection.ValidateThresholds()); err != nil {
		return &RefusedError{Reason: err.Error()}
	}
	if err := scores.CheckCapabilities(plan.Rubric.Capabilities); err != nil {
		return &RefusedError{Reason: fmt.Sprintf("rubric: %v", err)}
	}
	return nil
}

// openScorer opens the scorer of a plan. It waits for the scorer at most for the planner's patience.
func (p *Planner) openScorer(ctx context.Context, plan *Plan) (scorer.Scorer, error) {
	if p.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.patience)
		defer cancel()
	}
	rater, err := p.open(ctx, plan.ScorerKind(), plan.Rubric)
	switch {
	case err == nil:
		return rater, nil
	case errors.Is(err, scorer.ErrUnavailable):
		return nil, fmt.Errorf("scorer %q: %w", plan.Scorer, err)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("scorer %q: %w: %w", plan.Scorer, scorer.ErrUnavailable, err)
	default:
		return nil, &RefusedError{Reason: fmt.Sprintf("scorer %q: %v", plan.Scorer, err)}
	}
}

// fitSelection returns a *RefusedError for an automatic selection that can never be made, before the run costs
// anything. If the budget is only the service's default and does not fit the dataset, fitSelection removes it.
func (p *Plan) fitSelection(byDefault bool) error {
	if p.Selection.Budget.IsZero() {
		return nil
	}
	_, err := p.Resolve(p.Selection)
	if err != nil && byDefault {
		p.Selection.Budget = selection.Budget{}
		return nil
	}
	if err != nil {
		return &RefusedError{Reason: err.Error()}
	}
	return nil
}

// latestAttempt identifies the first attempt of a run, and returns the plan of the last planned attempt; nil if none
// was planned. It skips a run that was refused for another request, such as another budget. If all attempts were
// removed, the plan gets an id that was never used.
func (p *Planner) latestAttempt(ctx context.Context, plan *Plan, spec Spec) (latest *Plan, err error) {
	attempt := *plan
	for removals := 0; ; attempt.Attempt++ {
		if err := attempt.identify(); err != nil {
			return nil, err
		}
		if attempt.Attempt == 0 {
			plan.Run, plan.Refusals, plan.Removals = attempt.Run, attempt.Refusals, attempt.Removals
			removals = 0
		}
		if removed, err := p.runs.Removed(ctx, attempt.Run); err != nil {
			return nil, err
		} else if removed {
			removals++
			continue
		}
		planned, err := p.runs.Plan(ctx, attempt.Run)
		if errors.Is(err, ErrNoRun) || errors.Is(err, ErrPlanning) {
			if latest == nil && removals > 0 {
				attempt.Removals++
				attempt.Attempt = -1 // the series begins again
				continue
			}
			return latest, nil
		} else if err != nil {
			return nil, err
		}
		if latest == nil && planned.Problem != "" {
			if final, err := p.runs.refuses(ctx, planned, spec); final || err != nil {
				return planned, err
			}
			attempt.Refusals++
			attempt.Attempt = -1 // the series begins again
			continue
		}
		latest = planned
	}
}

func (p *Planner) rubric(ctx context.Context, prefix, name string) (*rubric.Rubric, error) {
	if name == "" {
		return rubric.Default(), nil
	}
	data, err := bucket.ReadWhole(ctx, p.input, prefix+name, rubric.MaxBytes)
	if err != nil {
		return nil, unread("rubric", prefix+name, err)
	}
	r, err := rubric.Parse(data)
	if err != nil {
		return nil, &RefusedError{Object: prefix + name, Reason: fmt.Sprintf("%s%s: %v", prefix, name, spelling.YAML(err, r))}
	}
	return r, nil
}

// unread returns an error of reading an object that a field of a dataset names, as a *RefusedError unless a retry may
// help.
func unread(field, object string, err error) error {
	large, isLarge := errors.AsType[*bucket.TooLargeError](err)
	switch {
	case isLarge:
		return &RefusedError{Object: object, Reason: large.Error() + "; make it shorter"}
	case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrName):
		return &RefusedError{Missing: object, Reason: fmt.Sprintf(
			"%s: %s is not in the input bucket; %s", field, object, requestAgain)}
	case errors.Is(err, bucket.ErrUnreadable):
		return &RefusedError{Object: object, Reason: fmt.Sprintf(
			"%s: %v; replace the file by a copy that this user may read", field, err)}
	default:
		return fmt.Errorf("reading %s: %w", object, err)
	}
}
