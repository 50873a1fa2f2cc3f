package selection

// A desk is a worker's own room.
type desk struct {
	keys   []uint64
	counts []classCounts // by cell
	starts []start       // by cell
	// While a turn catches up, leavers counts candidates by cell, and touched lists the cells that
	// have some, twice perhaps.
	leavers, touched []uint32
}

// countLeavers counts those of the samples, of the given cells, that are candidates of the turn.
func (d *desk) countLeavers(t *turn, samples, cells []uint32) {
	if d.leavers == nil {
		d.leavers = make([]uint32, t.cells.len())
	}
	for i, cell := range cells {
		if d.leavers[cell] == 0 {
			d.touched = append(d.touched, cell)
		}
		d.leavers[cell] += t.candidates.bit(samples[i])
	}
}

// takeLeavers takes those counted out of the numbers of the bins' candidates.
func (d *desk) takeLeavers(t *turn) {
	for _, cell := range d.touched {
		for _, bin := range t.cells.bins(cell) {
			t.live[bin] -= d.leavers[cell]
		}
		d.leavers[cell] = 0
	}
	d.touched = d.touched[:0]
}
