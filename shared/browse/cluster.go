package browse

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/subset"
)

// clusterTest returns the test for a term about the cluster of near duplicates of a sample, or about its size.
func (r *Reader) clusterTest(ctx context.Context, plan *run.Plan, t Term) (test, error) {
	clusters, err := r.subsets.NeedClusters(ctx, plan, "filter: "+t.field)
	if err != nil {
		return nil, err
	}
	if t.field == fieldClusterSize {
		return func(i int) bool { return t.condition.Holds(float64(clusters.Size(i))) }, nil
	}
	index, err := r.sample(ctx, plan, t.value)
	if err != nil {
		return nil, err
	}
	leader, has := clusters.Leader(int(index)), t.operator == "="
	return func(i int) bool { return (clusters.Leader(i) == leader) == has }, nil
}

// sample returns the index of the sample with this name. Names are those of subset.Reader.Addressed. For each sample of
// the run, sample keeps 8 bytes in memory. The error is a *run.RefusedError if there is no such sample.
func (r *Reader) sample(ctx context.Context, plan *run.Plan, name string) (int64, error) {
	if index, ok := subset.ParseIndexName(name); ok {
		if index < plan.Samples {
			return index, nil
		}
		return 0, &run.RefusedError{Reason: fmt.Sprintf("filter: %s=%s: the indexes of the run are 0 to %d", fieldCluster,
			name, plan.Samples-1)}
	}
	c, err := r.column(ctx, plan, fieldID, "")
	if err != nil {
		return 0, err
	}
	// It is practically impossible that two different ids have the same hash.
	if at := c.nth(name, 1); at >= 0 {
		return at, nil
	}
	if id, n := dataset.SplitName(name); n > 0 {
		if at := c.nth(id, n); at >= 0 {
			return at, nil
		}
	}
	return 0, &run.RefusedError{Reason: fmt.Sprintf("filter: %s: the run has no sample %q", fieldCluster, name)}
}

// nth returns the index of the n-th sample with an id, where n begins at 1; -1 if there is no such sample.
func (c *column) nth(id string, n int) int64 {
	hash := similarity.HashOf(id)
	for i, other := range c.ids {
		if other == hash {
			if n--; n == 0 {
				return int64(i)
			}
		}
	}
	return -1
}
