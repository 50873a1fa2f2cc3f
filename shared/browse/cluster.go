package browse

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/subset"
)

// clusterTest is the test of the cluster of near duplicates that a sample is in.
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

// sample is the index of a sample by its name, as that of subset.Reader.Addressed. It keeps 8 bytes of the id of each
// sample in memory. A *run.RefusedError says that there is none.
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
	// Two different ids with one hash are less likely than a fault of the machine.
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

// nth is the index of the n-th sample with an id, from 1; -1 if there is none.
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
