package subset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// clustersRequest is the request of the first call for the near duplicates of a run. It requests no selection. The
// request of each later call, after a search has ended, also has a number.
const clustersRequest = "clusters"

// withNumber returns a name for the n-th object. From n = 2 on, the name has the number.
func withNumber(name string, n int) string {
	if n < 2 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

func isClustersRequest(id string) bool {
	return id == clustersRequest || strings.HasPrefix(id, clustersRequest+"-")
}

// AskClusters requests a search for the near duplicates of a scored run, unless they are stored. It does not wait for
// the search.
func (s *Selector) AskClusters(ctx context.Context, runID string) error {
	plan, err := s.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return err
	}
	if _, err := s.checkClusters(ctx, plan); !noneWhole(err) {
		return err
	}
	last, err := s.lastSearch(ctx, plan.Run)
	if err != nil {
		return err
	}
	entry := run.Entry{Run: plan.Run, Request: last.next()}
	if err := s.index.Accept(ctx, entry, requestAcceptedName(plan.Run, entry.Request), s.now()); err != nil {
		return err
	}
	_, err = s.continueRequest(ctx, plan.Run, entry.Request)
	return err
}

// findRequested searches for the near duplicates that a call requested, and records that the search has ended. A
// permanent error also ends the search: the status reports the error, and another call starts a new search.
func (s *Selector) findRequested(ctx context.Context, task events.SelectTask) error {
	_, err := s.FindClusters(ctx, s.work, task.Run)
	if errors.Is(err, run.ErrNoRun) {
		return events.DataError(err)
	}
	var ended result
	_, lost := errors.AsType[*bucket.LostError](err)
	_, refused := errors.AsType[*run.RefusedError](err)
	if lost || refused {
		ended.Problem, err = err.Error(), events.DataError(err)
	} else if err != nil {
		return err
	}
	_, marked := bucket.CreateJSON(ctx, s.work, requestMadeName(task.Run, task.Request), ended)
	return cmp.Or(marked, err)
}

// A search describes the last call for the near duplicates of a run.
type search struct {
	n     int  // number of the call, from 1; 0 if there was no call
	ended bool // whether the search has ended
	result
}

// next returns the request of a new call: the last request until its search has ended, then the next one.
func (l search) next() string {
	if l.n == 0 || l.ended {
		return withNumber(clustersRequest, l.n+1)
	}
	return withNumber(clustersRequest, l.n)
}

// lastSearch returns the last call whose task was published. The work of such a call is never lost.
func (r *Reader) lastSearch(ctx context.Context, runID string) (last search, err error) {
	for n := 1; ; n++ {
		id := withNumber(clustersRequest, n)
		if sent, err := bucket.Exists(ctx, r.work, requestSentName(runID, id)); !sent || err != nil {
			return last, err
		}
		last = search{n: n}
		err := bucket.ReadJSON(ctx, r.work, requestMadeName(runID, id), &last.result)
		if errors.Is(err, bucket.ErrNotExist) {
			return last, nil
		} else if err != nil {
			return last, err
		}
		last.ended = true
	}
}

// The states of the near duplicates of a run.
const (
	ClustersSearched = "searching"
	ClustersFound    = "found"
	ClustersDamaged  = "damaged" // the stored near duplicates cannot be read
	ClustersFailed   = "failed"  // the last search failed
)

// ClustersState returns the state of a scored run's near duplicates: one of these constants, with the problem and the
// fix. The state is empty if near duplicates are not stored, and no search is running.
func (r *Reader) ClustersState(ctx context.Context, runID string) (state, problem string, err error) {
	plan, err := r.runs.Plan(ctx, runID)
	if err != nil {
		return "", "", err
	}
	_, stored := r.checkClusters(ctx, plan)
	damaged := errors.Is(stored, bucket.ErrDamaged)
	if stored == nil {
		return ClustersFound, "", nil
	} else if !noneWhole(stored) {
		return "", "", stored
	}
	last, err := r.lastSearch(ctx, plan.Run)
	switch {
	case err != nil:
		return "", "", err
	case last.n > 0 && !last.ended:
		return ClustersSearched, "", nil
	case last.Problem != "":
		return ClustersFailed, fmt.Sprintf("the search for near duplicates failed: %s", last.Problem), nil
	case damaged:
		return ClustersDamaged, fmt.Sprintf("%v; search for near duplicates again: POST %s, or harvest clusters %s",
			stored, clusterCall(plan.Run), plan.Run), nil
	}
	return "", "", nil
}

// clusterCall returns the path of the API call that searches for the near duplicates of a run.
func clusterCall(runID string) string { return "/v1/runs/" + runID + ":cluster" }

// NeedClusters does the same as Clusters, for a request that needs near duplicates because of a field. If they are not
// stored, the error is a *run.RefusedError with the field and the fix.
func (r *Reader) NeedClusters(ctx context.Context, plan *run.Plan, field string) (*Clusters, error) {
	found, err := r.keptClusters(ctx, plan)
	switch {
	case errors.Is(err, bucket.ErrDamaged):
		err = fmt.Errorf("%w; search for them again", err)
	case errors.Is(err, bucket.ErrNotExist):
		err = fmt.Errorf("the near duplicates of run %s were not searched for; search for them", plan.Run)
	default:
		return found, err
	}
	return nil, &run.RefusedError{Reason: fmt.Sprintf("%s: %v by POST %s, by harvest clusters %s, or by a selection with "+
		"a cap on clusters (--max-per-cluster)", field, err, clusterCall(plan.Run), plan.Run)}
}

// A Duplicate is a near duplicate of a sample.
type Duplicate struct {
	ID    string `json:"id"`
	Index int64  `json:"index"`
}

// Duplicates returns the near duplicates of a sample, without the sample itself. most is the largest number of them. It
// returns nil if there was no search for near duplicates.
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
