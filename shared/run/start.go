package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Limits are what a service sets for the runs that it starts.
type Limits struct {
	// Scorer is the kind of scorer of a dataset that names none.
	Scorer string `env:"SCORER, default=embedded" meaning:"what rates samples of a dataset that names no scorer"`
	// Budget makes an automatic selection of a dataset that asks for none; without it there is none.
	Budget selection.Budget `env:"DEFAULT_BUDGET" meaning:"automatic selection of a dataset that asks for none"`
	// Records and Images bound what is read of a dataset.
	Records dataset.Limits
	Images  images.Limits
	// RangeBytes, ShardSamples and ShardBytes decide how datasets are cut.
	RangeBytes   int64 `env:"RANGE_BYTES, default=16777216" meaning:"how much of a manifest one delivery reads"`
	ShardSamples int   `env:"SHARD_SAMPLES, default=200" meaning:"most samples of a shard"`
	ShardBytes   int   `env:"SHARD_BYTES, default=67108864" meaning:"most bytes of records in a shard"`
	// CostPerMillion estimates runs, in US dollars for a million samples.
	CostPerMillion float64 `env:"COST_PER_MILLION, default=0" meaning:"US dollars for a million samples, to estimate runs by"`
	// MaxRunCost, in US dollars, is what a run may cost without approval; 0 for no limit.
	MaxRunCost float64 `env:"MAX_RUN_COST, default=0" meaning:"US dollars that a run may be estimated at without approval; 0: no limit"`
}

// Validate names every fault.
func (l Limits) Validate() error {
	var faults []error
	for name, value := range map[string]int64{
		"RANGE_BYTES": l.RangeBytes, "SHARD_SAMPLES": int64(l.ShardSamples), "SHARD_BYTES": int64(l.ShardBytes),
	} {
		if value < 1 {
			faults = append(faults, fmt.Errorf("%s: %d; give 1 or more", name, value))
		}
	}
	if l.CostPerMillion < 0 || l.MaxRunCost < 0 {
		faults = append(faults, errors.New("COST_PER_MILLION and MAX_RUN_COST: give 0 or more"))
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(append(faults, l.Records.Validate(), l.Images.Validate())...)
}

// SpecOf finds what an object that arrived in the input bucket starts: a manifest directly in a
// dataset's prefix, or the dataset's SpecFile. ok is false for objects that start nothing.
func (s *Store) SpecOf(ctx context.Context, object string) (spec Spec, ok bool, err error) {
	rest, found := strings.CutPrefix(object, DatasetsPrefix)
	name, file, deeper := strings.Cut(rest, "/")
	if !found || !deeper || strings.Contains(file, "/") {
		return Spec{}, false, nil
	}
	switch {
	case file == SpecFile:
		data, err := readAll(ctx, s.Input, object)
		if errors.Is(err, bucket.ErrNotExist) {
			return Spec{}, false, nil // replaced or gone since: its own event follows
		} else if err != nil {
			return Spec{}, false, err
		}
		spec, err := ParseSpec(name, data)
		if err != nil {
			return Spec{Dataset: name}, true, &RefusedError{Reason: fmt.Sprintf("%s: %v", object, err)}
		}
		return spec, true, nil
	case strings.HasSuffix(file, ".json"), strings.HasSuffix(file, ".jsonl"), strings.HasSuffix(file, ".ndjson"):
		return Spec{Dataset: name, Manifests: []string{file}}, true, nil
	default:
		return Spec{}, false, nil
	}
}

// A RefusedError says why a dataset cannot be run as it is. Its author has to change something.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Start plans the run of a dataset and sets it going. The same input gives the same run: starting
// it again does what is still missing. A *RefusedError is a fault of the dataset or the spec.
func (s *Store) Start(ctx context.Context, spec Spec, limits Limits) (*Plan, error) {
	plan, err := s.NewPlan(ctx, spec, limits)
	if err != nil {
		return nil, err
	}
	if _, err := s.createJSON(ctx, planName(plan.Run), plan); err != nil {
		return nil, err
	}
	// The plan that stands, perhaps an earlier one with another selection.
	if plan, err = s.Plan(ctx, plan.Run); err != nil {
		return nil, err
	}
	if err := s.want(ctx, plan, spec.Request); err != nil {
		return nil, err
	}
	return plan, s.publishMissing(ctx, plan)
}

// Refuse keeps the reason why a dataset was refused as a run of its own, so that it can be looked up.
func (s *Store) Refuse(ctx context.Context, datasetName string, reason string) (*Plan, error) {
	if !namePattern.MatchString(datasetName) {
		return nil, events.DataError(&RefusedError{Reason: reason})
	}
	plan := &Plan{Dataset: datasetName, Problem: reason, Manifests: []Manifest{}, Ranges: []Range{}}
	if err := plan.identify(); err != nil {
		return nil, err
	}
	_, err := s.createJSON(ctx, planName(plan.Run), plan)
	return plan, err
}

// NewPlan computes the plan of a dataset, or reads it where the run has one, and writes nothing.
func (s *Store) NewPlan(ctx context.Context, spec Spec, limits Limits) (*Plan, error) {
	if err := spec.Validate(); err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	prefix := DatasetsPrefix + spec.Dataset + "/"
	plan := &Plan{
		Dataset: spec.Dataset, Images: spec.Images, Scorer: spec.Scorer, Ranges: []Range{},
		Options: Options{
			Options: dataset.Options{DuplicateIDs: spec.DuplicateIDs, Limits: limits.Records},
			Images:  limits.Images,
		},
		Constants: Constants{RangeBytes: limits.RangeBytes, ShardSamples: limits.ShardSamples, ShardBytes: limits.ShardBytes},
		Selection: spec.Request, Reuse: spec.Reuse,
	}
	if plan.Images == "" {
		plan.Images = "images/" + spec.Dataset + "/"
	}
	if plan.Scorer == "" {
		plan.Scorer = limits.Scorer
	}
	if plan.Selection.Budget.IsZero() {
		plan.Selection.Budget = limits.Budget
	}
	if plan.Options.DuplicateIDs == "" {
		plan.Options.DuplicateIDs = dataset.SkipDuplicates
	}
	var err error
	if plan.Rubric, err = s.rubric(ctx, prefix, spec.Rubric); err != nil {
		return nil, err
	}
	return s.fill(ctx, plan, spec, limits)
}

// fill adds to a plan what depends on the buckets and the scorer, or reads it where it was planned before.
func (s *Store) fill(ctx context.Context, plan *Plan, spec Spec, limits Limits) (*Plan, error) {
	if plan.Reuse != "" {
		if _, err := s.Plan(ctx, plan.Reuse); errors.Is(err, ErrNoRun) {
			return nil, &RefusedError{Reason: fmt.Sprintf("reuse: %v", err)}
		} else if err != nil {
			return nil, err
		}
	}
	if err := plan.Selection.ValidateNames(plan.Rubric.Capabilities, plan.Rubric.Styles); err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	if err := scores.CheckCapabilities(plan.Rubric.Capabilities); err != nil {
		return nil, &RefusedError{Reason: fmt.Sprintf("rubric: %v", err)}
	}
	rater, err := s.OpenScorer(ctx, plan.Scorer, plan.Rubric)
	switch {
	case errors.Is(err, scorer.ErrUnavailable) || err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("scorer %q: %w", plan.Scorer, err)
	case err != nil:
		return nil, &RefusedError{Reason: fmt.Sprintf("scorer %q: %v", plan.Scorer, err)}
	}
	plan.ScorerID = rater.ID()
	for _, name := range spec.Manifests {
		m, err := s.stat(ctx, DatasetsPrefix+spec.Dataset+"/"+name)
		if err != nil {
			return nil, err
		}
		plan.Manifests = append(plan.Manifests, m)
	}
	planned, err := s.latestAttempt(ctx, plan)
	if planned != nil || err != nil {
		return planned, err
	}
	if err := s.cut(ctx, plan); err != nil {
		return nil, err
	}
	if err := plan.fitSelection(spec.Budget.IsZero()); err != nil {
		return nil, err
	}
	plan.EstimatedCost = float64(plan.Samples) / 1e6 * limits.CostPerMillion
	if paid, ok := rater.(scorer.Paid); ok {
		if err := plan.estimate(paid); err != nil {
			return nil, err
		}
	}
	plan.NeedsApproval = limits.MaxRunCost > 0 && plan.EstimatedCost > limits.MaxRunCost
	return plan, nil
}

// fitSelection refuses an automatic selection that could never be made, before anything is spent. A
// budget that is only the service's default, and does not fit this dataset, is dropped.
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

// latestAttempt identifies the first attempt of a run and reads the last one that was planned; nil if none was.
func (s *Store) latestAttempt(ctx context.Context, plan *Plan) (latest *Plan, err error) {
	attempt := *plan
	for ; ; attempt.Attempt++ {
		if err := attempt.identify(); err != nil {
			return nil, err
		}
		if attempt.Attempt == 0 {
			plan.Run = attempt.Run
		}
		planned, err := s.Plan(ctx, attempt.Run)
		if errors.Is(err, ErrNoRun) {
			return latest, nil
		} else if err != nil {
			return nil, err
		}
		latest = planned
	}
}

func (s *Store) rubric(ctx context.Context, prefix, name string) (*rubric.Rubric, error) {
	if name == "" {
		return rubric.Default(), nil
	}
	data, err := readAll(ctx, s.Input, prefix+name)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrName) {
		return nil, &RefusedError{Reason: fmt.Sprintf("rubric: %s%s is not in the input bucket; upload it before %s", prefix, name, SpecFile)}
	} else if err != nil {
		return nil, err
	}
	r, err := rubric.Parse(data)
	if err != nil {
		return nil, &RefusedError{Reason: fmt.Sprintf("%s%s: %v", prefix, name, err)}
	}
	return r, nil
}

func (s *Store) stat(ctx context.Context, name string) (Manifest, error) {
	attrs, err := s.Input.Stat(ctx, name)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrName) {
		return Manifest{}, &RefusedError{Reason: fmt.Sprintf("manifests: %s is not in the input bucket; upload manifests before %s", name, SpecFile)}
	} else if err != nil {
		return Manifest{}, fmt.Errorf("looking for manifest %s: %w", name, err)
	}
	sum, err := s.Input.Checksum(ctx, name)
	if err != nil {
		return Manifest{}, fmt.Errorf("checksum of manifest %s: %w", name, err)
	}
	return Manifest{Name: name, Size: attrs.Size, CRC32C: sum, Generation: attrs.Generation}, nil
}

// cut fixes the plan's ranges.
func (s *Store) cut(ctx context.Context, plan *Plan) error {
	for i := range plan.Manifests {
		m := &plan.Manifests[i]
		r, err := s.Input.Open(ctx, m.Name, m.Generation, 0, -1)
		if err != nil {
			return fmt.Errorf("reading manifest %s: %w", m.Name, err)
		}
		layout, err := dataset.Split(r, plan.Constants.RangeBytes)
		r.Close()
		var format *dataset.FormatError
		if errors.As(err, &format) {
			return &RefusedError{Reason: fmt.Sprintf("%s: %v", m.Name, format)}
		} else if err != nil {
			return fmt.Errorf("reading manifest %s: %w", m.Name, err)
		}
		m.Format, m.Records = layout.Format, layout.Records
		for _, span := range layout.Ranges {
			plan.Ranges = append(plan.Ranges, Range{Manifest: i, FirstIndex: plan.Samples, Span: span})
			plan.Samples += span.Records
		}
	}
	if plan.Samples == 0 {
		return &RefusedError{Reason: fmt.Sprintf("dataset %s: its manifests hold no records", plan.Dataset)}
	}
	return nil
}
