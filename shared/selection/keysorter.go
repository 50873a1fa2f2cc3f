package selection

import (
	"math/bits"
	"slices"
)

// A keySorter sorts keys, and reuses its memory between calls. It distributes the keys in order over two to four times
// as many buckets, and sorts the few keys of each bucket. Keys have a nearly even distribution, because they contain
// the rating, the expected score and a hash. So this takes a third of the time of sorting by comparison.
type keySorter struct {
	keys []uint64
	ends []uint32 // ends of the buckets in keys
}

const (
	// fewKeys is the largest number of keys that are sorted by comparison.
	fewKeys = 48
	// maxBucketBits limits the number of buckets, so that their ends fit into a processor's cache.
	maxBucketBits = 15
)

// sort sorts keys, which must be different.
func (x *keySorter) sort(keys []uint64) {
	if len(keys) <= fewKeys {
		slices.Sort(keys)
		return
	}
	low, high := keys[0], keys[0]
	for _, key := range keys {
		low, high = min(low, key), max(high, key)
	}
	shift := max(bits.Len64(high-low)-min(bits.Len(uint(len(keys)))+1, maxBucketBits), 0)
	buckets := int((high-low)>>shift) + 1
	x.ends = slices.Grow(x.ends[:0], buckets+1)[:buckets+1]
	clear(x.ends)
	ends := x.ends[1:] // the start of each bucket is the element before, until keys are placed
	for _, key := range keys {
		ends[(key-low)>>shift]++
	}
	for i := range ends {
		ends[i] += x.ends[i]
	}
	starts := x.ends[:buckets]
	x.keys = append(x.keys[:0], keys...)
	for _, key := range x.keys {
		at := &starts[(key-low)>>shift]
		keys[*at] = key
		*at++
	}
	start := uint32(0)
	for _, end := range starts {
		if end-start > 1 {
			sortFew(keys[start:end])
		}
		start = end
	}
}

// sortFew sorts the keys of a bucket.
func sortFew(keys []uint64) {
	if len(keys) > fewKeys/2 {
		slices.Sort(keys)
		return
	}
	for i := 1; i < len(keys); i++ {
		key, at := keys[i], i
		for ; at > 0 && keys[at-1] > key; at-- {
			keys[at] = keys[at-1]
		}
		keys[at] = key
	}
}
