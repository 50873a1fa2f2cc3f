package subset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// Clusters are the near duplicates of a run: each sample is in one cluster, alone or with others, and the first of them
// leads it. A sample that was not scored is alone. They are shared: do not change them.
type Clusters struct {
	leaders []uint32 // the leader of each sample
	sizes   []uint32 // the size of the cluster that each sample leads; 0 for other samples
}

func newClusters(leaders []uint32) *Clusters {
	c := &Clusters{leaders, make([]uint32, len(leaders))}
	for _, leader := range leaders {
		c.sizes[leader]++
	}
	return c
}

func (c *Clusters) bytes() int { return 8 * len(c.leaders) }

// Len returns the number of samples.
func (c *Clusters) Len() int { return len(c.leaders) }

// Leader returns the index of the leader of a sample's cluster.
func (c *Clusters) Leader(index int) int { return int(c.leaders[index]) }

// Size returns the number of samples in the cluster of a sample, including the sample.
func (c *Clusters) Size(index int) int { return int(c.sizes[c.leaders[index]]) }

// A Cluster describes the near duplicates of one sample.
type Cluster struct {
	Leader int64 `json:"leader"` // the index of the cluster's first sample
	Size   int   `json:"size"`   // number of samples, 2 or more
}

// Of returns the cluster of a sample; nil if the sample has no near duplicates, or if c is nil.
func (c *Clusters) Of(index int64) *Cluster {
	if c == nil || c.Size(int(index)) < 2 {
		return nil
	}
	return &Cluster{int64(c.Leader(int(index))), c.Size(int(index))}
}

// Members returns the indexes of the samples in the cluster of a sample, ascending, up to a limit.
func (c *Clusters) Members(index int64, most int) []int64 {
	leader := c.leaders[index]
	var members []int64
	for i := int(leader); i < len(c.leaders) && len(members) < min(most, int(c.sizes[leader])); i++ {
		if c.leaders[i] == leader {
			members = append(members, int64(i))
		}
	}
	return members
}

// Largest are the leaders of the largest clusters of two samples or more, the largest first, at most this many, and how
// many such clusters and samples in them there are.
func (c *Clusters) Largest(most int) (leaders []int64, clusters, samples int) {
	var all []int64
	for i, size := range c.sizes {
		if size > 1 {
			all, samples = append(all, int64(i)), samples+int(size)
		}
	}
	slices.SortStableFunc(all, func(a, b int64) int { return cmp.Compare(c.sizes[b], c.sizes[a]) })
	return all[:min(len(all), most)], len(all), samples
}

// errNoClusters is the error of a run whose near duplicates were not searched for: nothing is kept of it in memory.
var errNoClusters = errors.New("the near duplicates of the run were not searched for")

// Clusters reads the near duplicates of a scored run; nil if they were not searched for, because that takes minutes in
// a run of millions.
func (r *Reader) Clusters(ctx context.Context, plan *run.Plan) (*Clusters, error) {
	found, err := r.clustered.Get(ctx, plan.Run, func(ctx context.Context) (*Clusters, error) {
		return r.readClusters(ctx, plan)
	})
	if errors.Is(err, errNoClusters) {
		return nil, nil
	}
	return found, err
}

// clusters are Clusters, searched for if they were not before.
func (r *Reader) clusters(ctx context.Context, plan *run.Plan) (*Clusters, error) {
	return r.clustered.Get(ctx, plan.Run, func(ctx context.Context) (*Clusters, error) {
		found, err := r.readClusters(ctx, plan)
		if !errors.Is(err, errNoClusters) {
			return found, err
		}
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

func (r *Reader) readClusters(ctx context.Context, plan *run.Plan) (*Clusters, error) {
	name := leadersName(plan.Run)
	data, err := bucket.ReadAll(ctx, r.work, name)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, errNoClusters
	} else if err != nil {
		return nil, err
	}
	leaders, err := scores.ReadLeaders(bytes.NewReader(data), int64(len(data)))
	if err == nil && int64(len(leaders)) != plan.Samples {
		err = fmt.Errorf("it has %d samples, and the plan %d", len(leaders), plan.Samples)
	}
	if err != nil {
		err = bucket.Lost(r.work, duplicatesPrefix(plan.Run), "search for near duplicates again",
			fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
		return nil, err
	}
	return newClusters(leaders), nil
}

// keepClusters searches for the near duplicates of a run, unless that was done, and keeps them. No selection may be
// computed by another caller meanwhile.
func (r *Reader) keepClusters(ctx context.Context, work bucket.Bucket, plan *run.Plan) (*Clusters, error) {
	found, err := r.clusters(ctx, plan)
	if err != nil {
		return nil, err
	}
	if there, err := bucket.Exists(ctx, work, leadersName(plan.Run)); there || err != nil {
		return found, err
	}
	_, err = bucket.CreateOnce(ctx, work, leadersName(plan.Run), func(w io.Writer) error {
		return scores.WriteLeaders(w, found.leaders)
	})
	return found, err
}

// FindClusters searches for the near duplicates of a scored run, unless that was done, and keeps them in the work
// bucket, which is the reader's.
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
