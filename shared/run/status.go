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
	StateRefused          = "refused"           // because of the dataset, or of another layout; see problem
	StateAwaitingApproval = "awaiting-approval" // estimated above the service's limit
	StateCancelled        = "cancelled"
	StatePlanning         = "planning"
	StateScoring          = "scoring"
	StateStalled          = "stalled" // it has dead letters or was stopped: fix the cause and resume it
	StateScored           = "scored"
	StateFailed           = "failed"  // scored, with no usable sample or more failed ones than are allowed; see problem
	StateDamaged          = "damaged" // in lists: an object of the run is gone or cannot be read; see problem
)

// A Status is how far a run is. It is derived from the objects of its folder.
type Status struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
	// Notes are the notes of the plan.
	Notes []string `json:"notes,omitempty"`
	// Samples accounts for every sample once the run is scored; before that only In is final.
	Samples events.Counts `json:"samples"`
	// Reuse is an earlier run whose unchanged scores are taken over; empty if there is none. TakenOver counts them, once
	// the run is scored.
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
	// Stopped is why the scorer must not be asked again until a person has fixed the cause and resumed the run.
	Stopped string `json:"stopped,omitempty"`
	// Waiting is set while a run that is being planned or scored waits for its scorer.
	Waiting  *Waiting `json:"waiting,omitempty"`
	Rubric   string   `json:"rubric,omitempty"` // hash
	Scorer   string   `json:"scorer,omitempty"`
	ScorerID string   `json:"scorer_id,omitempty"`
	Attempt  int      `json:"attempt"`
	// Of is the number of the dataset's records, if the run is a trial on some of them.
	Of int64 `json:"of,omitempty"`
	// EstimatedCost in US dollars.
	EstimatedCost float64 `json:"estimated_cost"`
	// Size is the total size of the manifests in bytes; separate image files do not count.
	Size int64 `json:"size"`
	// Parameters are the parameters of the automatic selection, without the ids that it includes or excludes; zero if
	// there is none.
	Parameters selection.Request `json:"parameters,omitzero"`
	// Callers are not in lists.
	Callers
}

// Progress counts what is done of a run.
type Progress struct {
	Ranges       int   `json:"ranges"`
	RangesCut    int   `json:"ranges_cut"`
	RangesScored int   `json:"ranges_scored"`
	Shards       int   `json:"shards"` // of the ranges that are cut
	ShardsScored int   `json:"shards_scored"`
	SamplesRead  int64 `json:"samples_read"`
	SamplesDone  int64 `json:"samples_done"` // scored, failed or skipped
	// SamplesInFlight are the samples of shards that are being scored. The shards of a killed process count until another
	// process notices.
	SamplesInFlight int64 `json:"samples_in_flight"`
}

// IsScored reports whether every sample of the run is accounted for: the run is scored or failed.
func (s *Status) IsScored() bool { return s.State == StateScored || s.State == StateFailed }

// NothingToRetry reports whether the run is scored and no sample of it failed.
func (s *Status) NothingToRetry() bool { return s.IsScored() && s.Samples.Failed == 0 }

// Failure is Counts.Failure of a run that is scored.
func (s *Status) Failure(allowed Allowance) string {
	return Counts{Samples: s.Samples, Reasons: s.Reasons, Examples: s.Examples}.Failure(allowed)
}

// lookups is how many objects are looked for concurrently.
const lookups = 16

// idLength is the length of what follows the name of a dataset in the id of its run.
const idLength = len("-0123456789ab")

// DatasetOf is the name of the dataset that the id of a run begins with.
func DatasetOf(run string) string { return run[:max(len(run)-idLength, 0)] }

// Status finds how far a run is; ErrNoRun if there is none.
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

// Damaged is the status in lists of a run with a lost object, by the error of its status; nil for other errors.
func (r *Reader) Damaged(run string, err error) *Status {
	lost, ok := errors.AsType[*bucket.LostError](r.Lost(run, err))
	if !ok {
		return nil
	}
	return &Status{Run: run, Dataset: DatasetOf(run), State: StateDamaged, Problem: lost.Error()}
}

// Outlines are the statuses of some runs, in their order; runs that do not exist are left out. They lack the progress,
// and have one dead letter at most, so that each takes few requests for a run of any size.
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

// outline is the status of a run without its progress, and with at most a number of its dead letters. A run that is
// being planned has no plan.
func (r *Reader) outline(ctx context.Context, run string, dead int) (*Plan, *Status, error) {
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
		return plan, st, r.openStatus(ctx, plan, st, dead)
	}
	st.State, st.Samples, st.TakenOver = StateScored, marker.Samples, marker.TakenOver
	st.Reasons, st.Examples, st.Flags = marker.Reasons, marker.Examples, marker.Flags
	if st.Problem = marker.Failure(plan.MaxFailed); st.Problem != "" {
		st.State = StateFailed
	}
	return plan, st, nil
}

// openStatus sets the state of a run that is not scored, and why it does not continue.
func (r *Reader) openStatus(ctx context.Context, plan *Plan, st *Status, dead int) error {
	at, err := r.standstill(ctx, plan, dead)
	st.State, st.DeadLetters = at.state, at.letters
	if at.stop != nil {
		st.Stopped = at.stop.Reason
	}
	if err == nil && st.State == StateScoring {
		st.Waiting, err = r.waiting(ctx, plan.Run, r.now())
	}
	return err
}

// progress counts what is done of a run. It reads one object for each finished block of ranges, and one for each other
// range that is cut.
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

// blockProgress counts what is done of a block of ranges.
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

// rangeProgress counts what is done of a range that is cut: all, or the rated shards, and those that are begun.
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
