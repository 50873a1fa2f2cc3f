package selection

// A scratch has the buffers that one worker reuses from task to task.
type scratch struct {
	keys   []uint64
	sorter keySorter
	counts []classCounts // by group
	firsts []firstPass   // of the capabilities that are prepared together
	// removed has the number of removed candidates of each group, while the available candidates of a capability are
	// counted down. touched lists the groups of removed samples; a group may occur twice.
	removed, touched []uint32
}

// countRemoved counts, by group, the candidates of the capability among the removed samples. groups[i] is the group of
// samples[i].
func (x *scratch) countRemoved(c *capability, samples, groups []uint32) {
	if x.removed == nil {
		x.removed = make([]uint32, c.groups.len())
	}
	for i, group := range groups {
		if x.removed[group] == 0 {
			x.touched = append(x.touched, group)
		}
		x.removed[group] += c.candidates.bit(samples[i])
	}
}

// subtractRemoved subtracts the counts from the numbers of candidates of the bins, and resets the counts.
func (x *scratch) subtractRemoved(c *capability) {
	for _, group := range x.touched {
		for _, bin := range c.groups.bins(group) {
			c.available[bin] -= x.removed[group]
		}
		x.removed[group] = 0
	}
	x.touched = x.touched[:0]
}
