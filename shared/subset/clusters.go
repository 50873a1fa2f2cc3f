package subset

import (
	"bytes"
	"context"
	"slices"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// KindCluster is the kind of a NearLine that is about a cluster.
const KindCluster = "cluster"

// clusters finds the near duplicates of a run's samples, and keeps them in memory: for each sample, the number of its
// cluster. They are shared: do not change them.
func (r *Reader) clusters(ctx context.Context, plan *run.Plan) ([]uint32, error) {
	return r.clustered.Get(ctx, plan.Run, func(ctx context.Context) ([]uint32, error) {
		all := similarity.NewClusterer()
		for number := range plan.Ranges {
			err := r.runs.ReadScores(ctx, plan, number, func(file []byte) (int, error) {
				contents, err := scores.ReadSimilar(bytes.NewReader(file), int64(len(file)))
				for _, content := range contents {
					all.Add(content)
				}
				return len(contents), err
			})
			if err != nil {
				return nil, err
			}
		}
		return all.Clusters(), nil
	})
}

// writeClusters writes the samples that a selection leaves out as near duplicates, each with the selected sample that
// it is near to.
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
