package subset

import (
	"context"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// clustersRequest is the request of a run that asks for its near duplicates, and for no selection.
const clustersRequest = "clusters"

// AskClusters has the near duplicates of a scored run searched for, unless that was done. Nobody waits for them.
func (s *Selector) AskClusters(ctx context.Context, runID string) error {
	plan, err := s.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return err
	}
	if there, err := bucket.Exists(ctx, s.work, leadersName(plan.Run)); there || err != nil {
		return err
	}
	entry := run.Entry{Run: plan.Run, Request: clustersRequest}
	if err := s.index.Accept(ctx, entry, requestAcceptedName(plan.Run, clustersRequest), s.now()); err != nil {
		return err
	}
	_, err = s.continueRequest(ctx, plan.Run, clustersRequest)
	return err
}

// The states of the near duplicates of a run that were asked for.
const (
	ClustersSearched = "searching"
	ClustersFound    = "found"
)

// clustersState is one of these; empty if nobody asked for them.
func (r *Reader) clustersState(ctx context.Context, runID string) (string, error) {
	if there, err := bucket.Exists(ctx, r.work, leadersName(runID)); err != nil {
		return "", err
	} else if there {
		return ClustersFound, nil
	}
	if asked, err := bucket.Exists(ctx, r.work, requestAcceptedName(runID, clustersRequest)); !asked || err != nil {
		return "", err
	}
	return ClustersSearched, nil
}

// A Duplicate is one of near duplicates.
type Duplicate struct {
	ID    string `json:"id"`
	Index int64  `json:"index"`
}

// Duplicates returns the near duplicates of a sample, without the sample, up to a limit; nil if they were not searched
// for.
func (r *Reader) Duplicates(ctx context.Context, plan *run.Plan, index int64, most int) ([]Duplicate, error) {
	clusters, err := r.Clusters(ctx, plan)
	if clusters == nil || err != nil {
		return nil, err
	}
	members := slices.DeleteFunc(clusters.Members(index, most+1), func(i int64) bool { return i == index })
	return r.named(ctx, plan, members[:min(len(members), most)])
}

// Named returns samples of a scored run by their indexes.
func (r *Reader) Named(ctx context.Context, runID string, indexes []int64) ([]Duplicate, error) {
	plan, err := r.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	return r.named(ctx, plan, indexes)
}

func (r *Reader) named(ctx context.Context, plan *run.Plan, indexes []int64) ([]Duplicate, error) {
	positions := make([]uint32, len(indexes))
	for i, index := range indexes {
		positions[i] = uint32(index)
	}
	ids, err := r.samplesOf(plan).idsOf(ctx, positions)
	if err != nil {
		return nil, err
	}
	all := make([]Duplicate, len(indexes))
	for i, index := range indexes {
		all[i] = Duplicate{ids.at(i), index}
	}
	return all, nil
}
