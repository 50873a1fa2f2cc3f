package selection

// A scratch holds the buffers that one worker reuses from task to task.
type scratch struct {
	keys    []uint64
	sorter  keySorter
	counts  []classCounts // by group
	cutoffs []cutoff      // by group
	// While a capability's numbers are brought up to date, removed counts candidates by group, and
	// touched lists the groups that have some, perhaps twice.
	removed, touched []uint32
}

// countRemoved counts those of the samples, of the given groups, that are the capability's
// candidates.
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

// subtractRemoved subtracts what was counted from the numbers of the bins' candidates.
func (x *scratch) subtractRemoved(c *capability) {
	for _, group := range x.touched {
		for _, bin := range c.groups.bins(group) {
			c.available[bin] -= x.removed[group]
		}
		x.removed[group] = 0
	}
	x.touched = x.touched[:0]
}
