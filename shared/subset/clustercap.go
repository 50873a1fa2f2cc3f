package subset

import (
	"context"
	"slices"

	"github.com/harvest-ml/harvest/shared/selection"
)

// KindCluster is the kind of a NearLine for a near duplicate.
const KindCluster = "cluster"

// writeClusters writes a line for each sample that a selection leaves out as a near duplicate. The line names the
// selected sample to which it is near.
func (s *Selector) writeClusters(
	ctx context.Context, sel *Selection, pool *Pool, result *selection.Result, reasons selection.ReasonList,
) error {
	clusters := pool.Pool.Cluster
	picked := map[uint32]uint32{} // the first selected sample of each cluster
	for _, pick := range result.Picks {
		if _, known := picked[clusters[pick.Sample]]; !known {
			picked[clusters[pick.Sample]] = pick.Sample
		}
	}
	var left []uint32
	for i := range reasons.Len() {
		if reasons.At(i) == selection.ReasonClusterCap {
			left = append(left, uint32(i))
		}
	}
	var taken []uint32
	for _, sample := range left {
		taken = append(taken, picked[clusters[sample]])
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	ids, err := pool.idsOf(ctx, slices.Concat(left, taken))
	if err != nil {
		return err
	}
	return s.writeNear(ctx, sel.Outputs.Clusters, func(write func(NearLine) error) error {
		for i, sample := range left {
			by, _ := slices.BinarySearch(taken, picked[clusters[sample]])
			err := write(NearLine{
				Kind: KindCluster, ID: ids.at(i), Index: int64(sample), Dropped: true,
				NearTo: NearTo{Near: ids.at(len(left) + by)},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
