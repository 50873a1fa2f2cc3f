package subset

import (
	"cmp"
	"slices"
)

// Clusters divides the samples of a run into clusters of near duplicates. Each sample is in one cluster, alone or with
// other samples. The leader is the first sample of a cluster. A sample that was not scored is alone. Clusters is
// shared: do not change it.
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

// Members returns the indexes of the samples in the cluster of a sample, ascending. most is the largest number of
// indexes.
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

// Largest returns the leaders of the largest clusters, the largest cluster first. most is the largest number of
// leaders. Largest also returns the number of all clusters of two or more samples, and the number of samples in them.
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
