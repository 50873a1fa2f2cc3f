package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"golang.org/x/sync/errgroup"
)

// The states of a run.
const (
	StateRefused          = "refused"           // the dataset or its dataset.yaml is at fault; see problem
	StateAwaitingApproval = "awaiting-approval" // estimated above the service's limit
	StateCancelled        = "cancelled"
	StateScoring          = "scoring"
	StateStalled          = "stalled" // all attempts at some shard were in vain; resume it
	StateScored           = "scored"
)

// A Status is how far a run is. It is derived from the objects of its folder.
type Status struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
	// Samples accounts for every sample once the run is scored; before that only In is final.
	Samples events.Counts `json:"samples"`
	// Reasons counts the samples that were not scored by the kind of their reason, once the run is scored.
	Reasons map[string]int64 `json:"reasons,omitempty"`
	// Flags counts the samples that were scored by their flags, once the run is scored.
	Flags    map[string]int64 `json:"flags,omitempty"`
	Progress Progress         `json:"progress"`
	Dead     []Dead           `json:"dead,omitempty"`
	Rubric   string           `json:"rubric,omitempty"` // hash
	Scorer   string           `json:"scorer,omitempty"`
	ScorerID string           `json:"scorer_id,omitempty"`
	Attempt  int              `json:"attempt"`
	// EstimatedCost in US dollars.
	EstimatedCost float64  `json:"estimated_cost"`
	Selections    []string `json:"selections,omitempty"`
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
}

// lookups is how many objects are looked for at once.
const lookups = 16

// Status tells how far a run is.
func (s *Store) Status(ctx context.Context, run string) (*Status, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	st := &Status{
		Run: run, Dataset: plan.Dataset, State: StateScoring, Problem: plan.Problem, Samples: events.Counts{In: plan.Samples},
		Scorer: plan.Scorer, ScorerID: plan.ScorerID, Attempt: plan.Attempt, EstimatedCost: plan.EstimatedCost,
	}
	if plan.Rubric != nil {
		st.Rubric = plan.Rubric.Hash()
	}
	if plan.Problem != "" {
		st.State = StateRefused
		return st, nil
	}
	var marker Scored
	switch err := s.readJSON(ctx, scoredName(run), &marker); {
	case err == nil:
		st.State, st.Samples, st.Reasons, st.Flags = StateScored, marker.Samples, marker.Reasons, marker.Flags
		st.Selections, err = s.selections(ctx, run)
		if err != nil {
			return nil, err
		}
	case !errors.Is(err, bucket.ErrNotExist):
		return nil, err
	}
	if st.Progress, err = s.progress(ctx, plan); err != nil {
		return nil, err
	}
	if st.State == StateScored {
		return st, nil
	}
	if st.Dead, _, err = s.dead(ctx, run); err != nil {
		return nil, err
	}
	if len(st.Dead) > 0 {
		st.State = StateStalled
	}
	if plan.NeedsApproval {
		if approved, err := s.exists(ctx, approvedName(run)); err != nil {
			return nil, err
		} else if !approved {
			st.State = StateAwaitingApproval
		}
	}
	if cancelled, err := s.exists(ctx, cancelledName(run)); err != nil {
		return nil, err
	} else if cancelled {
		st.State = StateCancelled
	}
	return st, nil
}

func (s *Store) progress(ctx context.Context, plan *Plan) (Progress, error) {
	parts := make([]Progress, len(plan.Ranges))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for r := range plan.Ranges {
		group.Go(func() (err error) {
			parts[r], err = s.rangeProgress(ctx, plan, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Progress{}, err
	}
	total := Progress{Ranges: len(plan.Ranges)}
	for _, p := range parts {
		total.RangesCut += p.RangesCut
		total.RangesScored += p.RangesScored
		total.Shards += p.Shards
		total.ShardsScored += p.ShardsScored
		total.SamplesRead += p.SamplesRead
		total.SamplesDone += p.SamplesDone
	}
	return total, nil
}

func (s *Store) rangeProgress(ctx context.Context, plan *Plan, r int) (Progress, error) {
	report, err := s.rangeReport(ctx, plan.Run, r)
	if errors.Is(err, bucket.ErrNotExist) {
		return Progress{}, nil
	} else if err != nil {
		return Progress{}, err
	}
	p := Progress{RangesCut: 1, Shards: len(report.Shards), SamplesRead: report.Samples}
	gathered, err := s.exists(ctx, rangeScoresName(plan.Run, r))
	if err != nil {
		return Progress{}, err
	}
	if gathered {
		p.RangesScored, p.ShardsScored, p.SamplesDone = 1, p.Shards, p.SamplesRead
		return p, nil
	}
	scored, err := s.scoredShards(ctx, plan.Run, r)
	for shard := range scored {
		if shard < len(report.Shards) {
			p.ShardsScored++
			p.SamplesDone += int64(report.Shards[shard])
		}
	}
	return p, err
}

// Runs lists the ids of all runs, in ascending order.
func (s *Store) Runs(ctx context.Context) ([]string, error) { return s.children(ctx, root) }

// children are the path elements directly below prefix, in ascending order. It lists one object for each.
func (s *Store) children(ctx context.Context, prefix string) ([]string, error) {
	var found []string
	after := ""
	for {
		child := ""
		for attrs, err := range s.Work.List(ctx, prefix, after) {
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", prefix, err)
			}
			child, _, _ = strings.Cut(attrs.Name[len(prefix):], "/")
			break
		}
		if child == "" {
			return found, nil
		}
		found = append(found, child)
		after = prefix + child + "0" // '0' follows '/': past everything below the child
	}
}

// Cancel stops a run: deliveries of its messages are acknowledged without work. What is scored stays. A run
// that is scored as a whole is refused.
func (s *Store) Cancel(ctx context.Context, run string) error {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return err
	}
	if plan.Problem != "" {
		return &RefusedError{Reason: plan.Problem}
	}
	if scored, err := s.exists(ctx, scoredName(run)); err != nil {
		return err
	} else if scored {
		return &RefusedError{Reason: "it is scored: there is nothing left to cancel"}
	}
	_, err = s.createJSON(ctx, cancelledName(run), map[string]string{"run": run})
	return err
}

// Approve lets a run begin that waits for approval.
func (s *Store) Approve(ctx context.Context, run string) error {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return err
	}
	if err := s.open(ctx, plan); err != nil {
		return err
	}
	if _, err := s.createJSON(ctx, approvedName(run), map[string]string{"run": run}); err != nil {
		return err
	}
	return s.publishMissing(ctx, plan)
}

// selections are the ids of a run's selections that can be read: of one whose picks are being written its selection.json is not there yet.
func (s *Store) selections(ctx context.Context, run string) ([]string, error) {
	ids, err := s.children(ctx, selectionsPrefix(run))
	if err != nil {
		return nil, err
	}
	var made []string
	for _, id := range ids {
		if there, err := s.exists(ctx, selectionName(run, id)); err != nil {
			return nil, err
		} else if there {
			made = append(made, id)
		}
	}
	return made, nil
}
