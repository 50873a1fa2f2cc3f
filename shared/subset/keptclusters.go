package subset

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// Clusters reads the stored near duplicates of a scored run. It returns nil if they are not stored or are damaged. It
// does not search for them, because that takes minutes in a run of millions of samples, and a list of samples does not
// need them.
func (r *Reader) Clusters(ctx context.Context, plan *run.Plan) (*Clusters, error) {
	found, err := r.keptClusters(ctx, plan)
	if noneWhole(err) {
		return nil, nil
	}
	return found, err
}

// clusters returns the near duplicates of a run. If they are not stored, it searches for them.
func (r *Reader) clusters(ctx context.Context, plan *run.Plan) (*Clusters, error) {
	kept, err := r.keptClusters(ctx, plan)
	if !noneWhole(err) {
		return kept, err
	}
	return r.clustered.Get(ctx, "search "+plan.Run, func(ctx context.Context) (*Clusters, error) {
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
		return newClusters(all.Leaders()), nil
	})
}

// keptClusters reads the stored clusters of a run. Its errors are those of firstWhole.
func (r *Reader) keptClusters(ctx context.Context, plan *run.Plan) (found *Clusters, err error) {
	_, err = r.firstClusters(ctx, plan, func(attrs bucket.Attrs) error {
		found, err = r.objectClusters(ctx, plan, attrs)
		return err
	})
	return found, err
}

// checkClusters returns the results of firstWhole for the stored clusters of a run. Objects that were read before are
// not read again.
func (r *Reader) checkClusters(ctx context.Context, plan *run.Plan) (missing string, err error) {
	return r.firstClusters(ctx, plan, func(attrs bucket.Attrs) error {
		_, err := r.checked.Get(ctx, generationKey(attrs), func(ctx context.Context) (struct{}, error) {
			_, err := r.objectClusters(ctx, plan, attrs)
			return struct{}{}, err
		})
		return err
	})
}

// firstClusters calls firstWhole for the objects of a run's clusters. There may be several, because a search writes
// another object if all objects are damaged.
func (r *Reader) firstClusters(
	ctx context.Context, plan *run.Plan, try func(bucket.Attrs) error,
) (missing string, err error) {
	name := func(n int) string { return leadersName(plan.Run, n) }
	return firstWhole(name, func(name string) error {
		attrs, err := r.work.Stat(ctx, name)
		if err != nil {
			return err
		}
		return try(attrs)
	})
}

// objectClusters returns the clusters in an object. It reads the object, unless the clusters are in memory.
func (r *Reader) objectClusters(ctx context.Context, plan *run.Plan, attrs bucket.Attrs) (*Clusters, error) {
	return r.clustered.Get(ctx, generationKey(attrs), func(ctx context.Context) (*Clusters, error) {
		return r.readClusters(ctx, plan, attrs.Name)
	})
}

// generationKey returns a key for the content of an object.
func generationKey(attrs bucket.Attrs) string {
	return fmt.Sprintf("%s %d %d", attrs.Name, attrs.Generation, attrs.Size)
}

func (r *Reader) readClusters(ctx context.Context, plan *run.Plan, name string) (*Clusters, error) {
	data, err := bucket.ReadAll(ctx, r.work, name)
	if err != nil {
		return nil, err
	}
	leaders, err := scores.ReadLeaders(bytes.NewReader(data), int64(len(data)))
	if err == nil && int64(len(leaders)) != plan.Samples {
		err = fmt.Errorf("it has %d samples, but the plan has %d", len(leaders), plan.Samples)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err)
	}
	return newClusters(leaders), nil
}

// keepClusters searches for the near duplicates of a run, unless they are stored, and stores them. While it runs, no
// other caller may compute a selection.
func (r *Reader) keepClusters(ctx context.Context, work bucket.Bucket, plan *run.Plan) (*Clusters, error) {
	found, err := r.clusters(ctx, plan)
	if err != nil {
		return nil, err
	}
	first := func() (string, error) { return r.checkClusters(ctx, plan) }
	return found, createWhole(ctx, work, first, func(w io.Writer) error { return scores.WriteLeaders(w, found.leaders) })
}

// FindClusters searches for the near duplicates of a scored run, unless they are stored, and stores them in the work
// bucket. work must be the reader's bucket.
func (r *Reader) FindClusters(ctx context.Context, work bucket.Bucket, runID string) (found *Clusters, err error) {
	plan, err := r.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	err = r.pools.alone(ctx, func() error {
		found, err = r.keepClusters(ctx, work, plan)
		return err
	})
	return found, err
}
