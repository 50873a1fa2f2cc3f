package run

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// The states of a run.
const (
	StateRefused          = "refused"           // the dataset is invalid, or the layout is of another version; see problem
	StateAwaitingApproval = "awaiting-approval" // the estimated cost exceeds the service's limit
	StateCancelled        = "cancelled"
	StatePlanning         = "planning"
	StateScoring          = "scoring"
	StateStalled          = "stalled" // the run has dead letters or was stopped: fix the cause, and resume the run
	StateScored           = "scored"
	StateFailed           = "failed"  // scored, but no sample is usable or too many failed; see problem
	StateDamaged          = "damaged" // only in lists: an object of the run is missing or unreadable; see problem
)

// A Status is the state and the progress of a run. It is derived from the objects in the run's folder.
type Status struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
	// Notes are the notes of the plan.
	Notes []string `json:"notes,omitempty"`
	// Samples counts the samples by outcome once the run is scored. Before that, only In is final.
	Samples events.Counts `json:"samples"`
	// Reuse is the earlier run whose scores of unchanged samples are reused; empty if there is none. TakenOver is the
	// number of these samples, once the run is scored.
	Reuse     string `json:"reuse,omitempty"`
	TakenOver int64  `json:"taken_over,omitempty"`
	// Reasons counts the samples without scores by reason code, once the run is scored.
	Reasons map[reason.Code]int64 `json:"reasons,omitempty"`
	// Examples are the first samples without scores by reason code, once the run is scored.
	Examples map[reason.Code]Example `json:"examples,omitempty"`
	// Flags counts the scored samples by flag, once the run is scored.
	Flags       map[string]int64 `json:"flags,omitempty"`
	Progress    Progress         `json:"progress"`
	DeadLetters []DeadLetter     `json:"dead,omitempty"`
	// Stopped is the reason why the wave was stopped. A person has to fix the cause and resume the run.
	Stopped string `json:"stopped,omitempty"`
	// Waiting is set while a run that is being planned or scored waits for its scorer.
	Waiting  *Waiting `json:"waiting,omitempty"`
	Rubric   string   `json:"rubric,omitempty"` // the rubric's hash
	Scorer   string   `json:"scorer,omitempty"`
	ScorerID string   `json:"scorer_id,omitempty"`
	Attempt  int      `json:"attempt"`
	// Of is the number of the dataset's records, if the run is a trial on some of them.
	Of int64 `json:"of,omitempty"`
	// EstimatedCost is in US dollars.
	EstimatedCost float64 `json:"estimated_cost"`
	// Size is the total size of the manifests in bytes; separate image files do not count.
	Size int64 `json:"size"`
	// Parameters are the parameters of the automatic selection, without the ids that it includes or excludes; zero if
	// there is no automatic selection.
	Parameters selection.Request `json:"parameters,omitzero"`
	// Callers is not set in lists.
	Callers
}

// A Progress counts the finished work of a run.
type Progress struct {
	Ranges       int   `json:"ranges"`
	RangesCut    int   `json:"ranges_cut"`
	RangesScored int   `json:"ranges_scored"`
	Shards       int   `json:"shards"` // of the ranges that are cut
	ShardsScored int   `json:"shards_scored"`
	SamplesRead  int64 `json:"samples_read"`
	SamplesDone  int64 `json:"samples_done"` // scored, failed or skipped
	// SamplesInFlight is the number of samples in shards that are being scored. Shards of a killed process count until
	// another process finds that the process has ended.
	SamplesInFlight int64 `json:"samples_in_flight"`
}

// IsScored reports whether every sample of the run has an outcome: the state is scored or failed.
func (s *Status) IsScored() bool { return s.State == StateScored || s.State == StateFailed }

// NothingToRetry reports whether the run is scored and no sample of it failed.
func (s *Status) NothingToRetry() bool { return s.IsScored() && s.Samples.Failed == 0 }

// Failure returns Counts.Failure for a scored run.
func (s *Status) Failure(allowed Allowance) string {
	return Counts{Samples: s.Samples, Reasons: s.Reasons, Examples: s.Examples}.Failure(allowed)
}

// Allow sets the state and the problem of a scored run for another limit than the plan's. The zero limit changes
// nothing.
func (s *Status) Allow(limit Allowance) {
	if limit.IsZero() || !s.IsScored() {
		return
	}
	s.judge(limit)
}

// judge sets the state and the problem of a scored run.
func (s *Status) judge(limit Allowance) {
	s.State, s.Problem = StateScored, s.Failure(limit)
	if s.Problem != "" {
		s.State = StateFailed
	}
}

// NeededAllowance returns the lowest allowance with which a selection can be made from a failed run. It is zero if a
// selection needs no other allowance than the plan's, or cannot be made.
func (s *Status) NeededAllowance() Allowance {
	if s.State != StateFailed {
		return Allowance{}
	}
	return Passes(s.Samples)
}

// lookups is the number of objects that are looked up concurrently.
const lookups = 16

// idLength is the length of the part of a run id after the dataset's name.
const idLength = len("-0123456789ab")

// DatasetOf returns the name of the dataset that the id of a run begins with.
func DatasetOf(run string) string { return run[:max(len(run)-idLength, 0)] }

// Status returns the status of a run; ErrNoRun if there is no such run.
func (r *Reader) Status(ctx context.Context, run string) (*Status, error) {
	plan, st, err := r.outline(ctx, run, math.MaxInt)
	if err != nil || st.State == StateRefused {
		return st, err
	}
	if st.Callers, err = r.callers(ctx, plan, st); err != nil || plan == nil {
		return st, err
	}
	st.Progress, err = r.progress(ctx, plan)
	return st, err
}

// Damaged returns the status for lists of a run with a lost object. err is the error of reading the run's status.
// Damaged returns nil if err has another cause.
func (r *Reader) Damaged(run string, err error) *Status {
	lost, ok := errors.AsType[*bucket.LostError](r.Lost(run, err))
	if !ok {
		return nil
	}
	return &Status{Run: run, Dataset: DatasetOf(run), State: StateDamaged, Problem: lost.Error()}
}

// Outlines returns the statuses of some runs, in their order, without runs that do not exist. The statuses have no
// progress and at most one dead letter, so that each takes few requests for a run of any size.
func (r *Reader) Outlines(ctx context.Context, runs []string) ([]*Status, error) {
	found := make([]*Status, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, run := range runs {
		group.Go(func() (err error) {
			_, found[i], err = r.outline(ctx, run, 1)
			if errors.Is(err, ErrNoRun) {
				return nil // a folder without a plan is not a run
			}
			if damaged := r.Damaged(run, err); damaged != nil {
				found[i] = damaged
				return nil
			}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(found, func(st *Status) bool { return st == nil }), err
}

// outline returns the plan of a run, and its status without progress and with at most maxDead dead letters. The plan is
// nil while the run is being planned.
func (r *Reader) outline(ctx context.Context, run string, maxDead int) (*Plan, *Status, error) {
	plan, err := r.Plan(ctx, run)
	if errors.Is(err, ErrPlanning) {
		st := &Status{Run: run, Dataset: DatasetOf(run), State: StatePlanning}
		cancelled, err := bucket.Exists(ctx, r.work, cancelledName(run))
		if cancelled {
			st.State = StateCancelled
		} else if err == nil {
			st.Waiting, err = r.waiting(ctx, run, r.now())
		}
		return nil, st, err
	} else if err != nil {
		return nil, nil, err
	}
	st := &Status{
		Run: run, Dataset: plan.Dataset, State: StateScoring, Problem: plan.Problem,
		Samples: events.Counts{In: plan.Samples}, Scorer: plan.Scorer, ScorerID: plan.ScorerID,
		Attempt: plan.Attempt, Of: plan.Of, EstimatedCost: plan.EstimatedCost, Reuse: plan.Reuse,
		Notes: plan.Notes,
	}
	for _, m := range plan.Manifests {
		st.Size += m.Size
	}
	st.Parameters = plan.Selection.WithoutIDs()
	if plan.Rubric != nil {
		st.Rubric = plan.Rubric.Hash()
	}
	if plan.Problem != "" {
		st.State = StateRefused
		return plan, st, nil
	}
	marker, err := r.scored(ctx, run)
	if err != nil {
		return nil, nil, err
	} else if marker == nil {
		return plan, st, r.openStatus(ctx, plan, st, maxDead)
	}
	st.Samples, st.TakenOver = marker.Samples, marker.TakenOver
	st.Reasons, st.Examples, st.Flags = marker.Reasons, marker.Examples, marker.Flags
	st.judge(plan.MaxFailed)
	return plan, st, nil
}

// openStatus sets the state of a run that is not scored, and the reason if it does not continue.
func (r *Reader) openStatus(ctx context.Context, plan *Plan, st *Status, maxDead int) error {
	at, err := r.standstill(ctx, plan, maxDead)
	st.State, st.DeadLetters = at.state, at.letters
	if at.stop != nil {
		st.Stopped = at.stop.Reason
	}
	if err == nil && st.State == StateScoring {
		st.Waiting, err = r.waiting(ctx, plan.Run, r.now())
	}
	return err
}

// progress counts the finished work of a run. It reads one object for each finished block of ranges, and one for each
// other range that is cut.
func (r *Reader) progress(ctx context.Context, plan *Plan) (Progress, error) {
	total := Progress{Ranges: len(plan.Ranges)}
	cut, err := bucket.Numbers(ctx, r.work, rangesPrefix(plan.Run), ".json")
	if err != nil {
		return total, err
	}
	gathered, err := bucket.Numbers(ctx, r.work, scoresPrefix(plan.Run), ".parquet")
	if err != nil {
		return total, err
	}
	var open []int
	for number := range plan.Ranges {
		if cut[number] && !gathered[number] {
			open = append(open, number)
		}
	}
	rated, err := r.ratedShards(ctx, plan.Run, open)
	if err != nil {
		return total, err
	}
	begun, err := r.begunShards(ctx, plan.Run, open)
	if err != nil {
		return total, err
	}
	blocks := make([]Progress, plan.nodes(1))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for block := range blocks {
		group.Go(func() (err error) {
			blocks[block], err = r.blockProgress(ctx, plan, block, cut, gathered, rated, begun)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return total, err
	}
	for _, p := range blocks {
		total.add(p)
	}
	return total, nil
}

func (p *Progress) add(more Progress) {
	p.RangesCut += more.RangesCut
	p.RangesScored += more.RangesScored
	p.Shards += more.Shards
	p.ShardsScored += more.ShardsScored
	p.SamplesRead += more.SamplesRead
	p.SamplesDone += more.SamplesDone
	p.SamplesInFlight += more.SamplesInFlight
}

// blockProgress counts the finished work of a block of ranges.
func (r *Reader) blockProgress(
	ctx context.Context, plan *Plan, block int, cut, gathered map[int]bool, rated, begun map[int][]int,
) (Progress, error) {
	first := block * countsBlock
	last := min(first+countsBlock, len(plan.Ranges))
	if gathered[first] {
		if sum, err := r.counts(ctx, plan.Run, 1, block); err != nil {
			return Progress{}, err
		} else if sum != nil {
			return Progress{
				RangesCut: last - first, RangesScored: last - first, Shards: sum.Shards, ShardsScored: sum.Shards,
				SamplesRead: sum.Samples.In, SamplesDone: sum.Samples.In,
			}, nil
		}
	}
	var total Progress
	for number := first; number < last; number++ {
		if !cut[number] {
			continue
		}
		p, err := r.rangeProgress(ctx, plan, number, gathered[number], rated[number], begun[number])
		if err != nil {
			return Progress{}, err
		}
		total.add(p)
	}
	return total, nil
}

// rangeProgress counts the finished work of a range that is cut: the rated shards, and the shards being scored.
// gathered is true if the whole range is scored.
func (r *Reader) rangeProgress(
	ctx context.Context, plan *Plan, number int, gathered bool, rated, begun []int,
) (Progress, error) {
	report, err := r.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{RangesCut: 1, Shards: len(report.Shards), SamplesRead: report.Samples}
	if gathered {
		p.RangesScored, p.ShardsScored, p.SamplesDone = 1, p.Shards, p.SamplesRead
		return p, nil
	}
	for _, shard := range rated {
		if shard < len(report.Shards) {
			p.ShardsScored++
			p.SamplesDone += int64(report.Shards[shard])
		}
	}
	for _, shard := range begun {
		if shard < len(report.Shards) && !slices.Contains(rated, shard) {
			p.SamplesInFlight += int64(report.Shards[shard])
		}
	}
	return p, nil
}
