package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Errors of calls about runs.
var (
	// ErrNoRun is the error for a run that does not exist.
	ErrNoRun = errors.New("no such run")
	// ErrNotScored is the error of calls that need a run with all samples scored.
	ErrNotScored = errors.New("the run is not scored yet")
)

// A Reader reads runs. It caches objects in memory, because they never change. So a process should have one Reader.
type Reader struct {
	work bucket.Reader
	// removable is true if runs can be removed from the bucket.
	removable bool
	plans     *cache.Cache[*Plan]
	drafts    *cache.Cache[*draft]
	reports   *cache.Cache[*RangeReport]
	files     *cache.Cache[[]byte]
	tables    *cache.Cache[*scores.Table]
	waves     *cache.Cache[*Wave]
	sums      *cache.Cache[*Counts]
	places    *cache.Cache[map[string]place] // places of a run's samples, by content

	cacheBytes int
	now        func() time.Time
}

// DefaultCacheBytes is the default limit of the memory that the caches of runs and selections use together. It does not
// include pools, or the places of samples whose scores are reused.
const DefaultCacheBytes = cacheParts << 20

// cacheParts is the number of equal parts of this memory. Each cache of a Reader, or of a type that uses the Reader,
// has some of these parts.
const cacheParts = 704

// NewReader returns a Reader of the runs in a work bucket. The Reader and its users cache at most cacheBytes bytes.
func NewReader(work bucket.Reader, cacheBytes int) (*Reader, error) {
	if work == nil {
		return nil, missing("Reader", "work bucket")
	}
	if cacheBytes < 1 {
		return nil, fmt.Errorf("CACHE_BYTES: %d is below 1; give bytes, or leave it out", cacheBytes)
	}
	_, removable := work.(bucket.Deleter)
	r := &Reader{work: work, removable: removable, cacheBytes: cacheBytes, now: time.Now}
	r.plans = cache.New(r.Share(64), planBytes)
	r.drafts = cache.New(r.Share(16), func(d *draft) int { return planBytes(d.Plan) })
	r.reports = cache.New(r.Share(16), func(r *RangeReport) int { return 1000 + 8*len(r.Shards) + 500*len(r.Examples) })
	r.files = cache.New(r.Share(128), func(file []byte) int { return len(file) })
	r.tables = cache.New(r.Share(128), tableBytes)
	r.waves = cache.New(r.Share(1), func(*Wave) int { return 300 })
	r.sums = cache.New(r.Share(16), func(c *Counts) int {
		return 1000 + 100*(len(c.Reasons)+len(c.Flags)) + 1000*len(c.Examples)
	})
	r.places = cache.New(maxPlacesBytes, func(m map[string]place) int { return placeBytes * len(m) })
	return r, nil
}

// WithClock sets the reader's clock, for tests, and returns the reader.
func (r *Reader) WithClock(now func() time.Time) *Reader {
	r.now = now
	return r
}

// Share returns the size limit, in bytes, of a cache that has the given number of the 704 parts. The caches of a Reader
// have 369 parts, those of a subset.Reader 224, of a browse.Reader 96, of a loader 8, and of review.Pairs 4.
func (r *Reader) Share(parts int) int { return int(int64(r.cacheBytes) * int64(parts) / cacheParts) }

// missing returns the error of a constructor without a dependency.
func missing(what, dependency string) error {
	return fmt.Errorf("making a run.%s: its %s is missing", what, dependency)
}

// planBytes estimates the memory of a plan.
func planBytes(p *Plan) int { return 10_000 + 200*(len(p.Ranges)+len(p.Manifests)) }

// tableBytes estimates the memory of a table. Each record has about 350 bytes of headers, 350 bytes of texts, and the
// numbers of each capability.
func tableBytes(t *scores.Table) int { return len(t.Records) * (700 + 13*len(t.Capabilities)) }

// Plan returns a run's plan. The error is ErrNoRun if there is no such run, and ErrPlanning if the run is accepted but
// has no plan yet. A plan with another layout version or reading version has a Problem that says so.
func (r *Reader) Plan(ctx context.Context, run string) (*Plan, error) {
	if !runPattern.MatchString(run) {
		return nil, fmt.Errorf("%w: %q is not a run id", ErrNoRun, run)
	}
	if removed, err := r.Removed(ctx, run); err != nil {
		return nil, err
	} else if removed {
		return nil, fmt.Errorf("%w: %s %w", ErrNoRun, run, events.ErrRemoved)
	}
	return r.plans.Get(ctx, run, func(ctx context.Context) (*Plan, error) {
		var p Plan
		if err := bucket.ReadJSON(ctx, r.work, planName(run), &p); errors.Is(err, bucket.ErrNotExist) {
			return nil, r.withoutPlan(ctx, run)
		} else if err != nil {
			return nil, r.Lost(run, err)
		}
		if p.Problem == "" {
			p.Problem = p.otherVersion()
		}
		return &p, nil
	})
}

// withoutPlan returns the error of a run that has no plan.
func (r *Reader) withoutPlan(ctx context.Context, run string) error {
	began, err := bucket.Exists(ctx, r.work, waveName(run, 0))
	if began {
		_, err = bucket.Marked(ctx, r.work, planName(run), waveName(run, 0))
	}
	if err != nil {
		return r.Lost(run, err)
	}
	for _, err := range r.work.List(ctx, askedPrefix(run), "") {
		if err != nil {
			return fmt.Errorf("looking for requests of run %s: %w", run, err)
		}
		return fmt.Errorf("%w: %s", ErrPlanning, run)
	}
	return fmt.Errorf("%w: %s", ErrNoRun, run)
}

// UsablePlan is Plan for a run that this version of Harvest can continue and select from. For another run the error is
// a *RefusedError.
func (r *Reader) UsablePlan(ctx context.Context, run string) (*Plan, error) {
	plan, err := r.Plan(ctx, run)
	if err == nil && plan.Problem != "" {
		return nil, &RefusedError{Reason: plan.Problem}
	}
	return plan, err
}

// ScoredPlan is UsablePlan for a run with all samples scored. For another run the error wraps ErrNotScored.
func (r *Reader) ScoredPlan(ctx context.Context, run string) (*Plan, error) {
	plan, err := r.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	if scored, err := r.Scored(ctx, run); err != nil {
		return nil, err
	} else if !scored {
		return nil, notScored(run)
	}
	return plan, nil
}

// notScored returns the ErrNotScored of a run, with the fix.
func notScored(run string) error {
	return fmt.Errorf("%w: %s: wait until it is scored, or continue it: harvest resume %s", ErrNotScored, run, run)
}

// Runs lists the ids of all runs, in ascending order.
func (r *Reader) Runs(ctx context.Context) ([]string, error) {
	there, _, err := r.folders(ctx)
	return there, err
}

// Acceptance returns the time when a run was accepted, and the caller who requested it; zero if both are not known.
func (r *Reader) Acceptance(ctx context.Context, run string) (Acceptance, error) {
	a, err := ReadAcceptance(ctx, r.work, acceptedName(run))
	if err != nil || !a.At.IsZero() {
		return a, err
	}
	var first Wave // the first wave began at almost the same time
	err = bucket.ReadJSON(ctx, r.work, waveName(run, 0), &first)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrDamaged) {
		return a, nil
	}
	a.At = first.At
	return a, err
}

// Accepted returns the time when a run was accepted; the zero time if it is not known.
func (r *Reader) Accepted(ctx context.Context, run string) (time.Time, error) {
	a, err := r.Acceptance(ctx, run)
	return a.At, err
}

// Scored reports whether all samples of a run are scored.
func (r *Reader) Scored(ctx context.Context, run string) (bool, error) {
	scored, err := bucket.Marked(ctx, r.work, scoredName(run), ScoredSentName(run))
	return scored, r.Lost(run, err)
}

// scored reads the marker of a scored run; nil before it is scored.
func (r *Reader) scored(ctx context.Context, run string) (*Scored, error) {
	if scored, err := r.Scored(ctx, run); !scored || err != nil {
		return nil, err
	}
	marker := new(Scored)
	err := bucket.ReadJSON(ctx, r.work, scoredName(run), marker)
	if c := marker.Samples; err == nil && c.In != c.Scored+c.Failed+c.Skipped {
		err = fmt.Errorf("reading %s: %w: of %d samples %d are scored, %d failed and %d skipped", scoredName(run),
			bucket.ErrDamaged, c.In, c.Scored, c.Failed, c.Skipped)
	}
	return marker, r.Lost(run, err)
}

// CheckUsable returns nil if the run is scored and a selection can be made from it. The limit of failed samples is
// allowed or, if that is zero, the plan's MaxFailed. Otherwise the error is a *RefusedError, or wraps ErrNotScored.
func (r *Reader) CheckUsable(ctx context.Context, plan *Plan, allowed Allowance) error {
	marker, err := r.scored(ctx, plan.Run)
	if err != nil {
		return err
	} else if marker == nil {
		return notScored(plan.Run)
	}
	return marker.refusal(plan.Run, allowed.Or(plan.MaxFailed))
}

// RangeReport reads the report of a range. The error is bucket.ErrNotExist if the range is not cut yet. Callers share
// the report and must not change it.
func (r *Reader) RangeReport(ctx context.Context, run string, number int) (*RangeReport, error) {
	name := rangeName(run, number)
	return r.reports.Get(ctx, name, func(ctx context.Context) (*RangeReport, error) {
		report := new(RangeReport)
		err := bucket.ReadJSON(ctx, r.work, name, report)
		if err == nil {
			err = report.check(name, number)
		}
		return report, r.damagedOnly(run, err)
	})
}

// check returns a bucket.ErrDamaged if the content of the report was changed.
func (report *RangeReport) check(name string, number int) error {
	sum := int64(0)
	for _, n := range report.Shards {
		sum += int64(n)
	}
	if report.Range != number || sum != report.Samples {
		return fmt.Errorf("reading %s: %w: it is of range %d, and its shards have %d of %d samples", name, bucket.ErrDamaged,
			report.Range, sum, report.Samples)
	}
	return nil
}

// Lost returns the error for an object that must exist, because the run has objects that are written after it.
func (r *Reader) Lost(run string, err error) error {
	return bucket.Lost(r.work, Folder(run), "start its dataset again", err)
}

// damagedOnly is Lost for an object that may not exist yet.
func (r *Reader) damagedOnly(run string, err error) error {
	if errors.Is(err, bucket.ErrDamaged) {
		return r.Lost(run, err)
	}
	return err
}

// scoredShards returns the numbers of a range's shards that have scores.
func (r *Reader) scoredShards(ctx context.Context, run string, number int) (map[int]bool, error) {
	return bucket.Numbers(ctx, r.work, shardScoresPrefix(run, number), ".parquet")
}
