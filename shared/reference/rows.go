package reference

// rows finds the row, the position in the manifest, of an idx.
type rows struct {
	idx []int64
	// byIdx is nil if the idx count up by one.
	byIdx map[int64]uint32
	// twice is the row whose idx another row has before it, or -1.
	twice int
}

func newRows(idx []int64) *rows {
	r := &rows{idx: idx, twice: -1}
	counted := true
	for i, v := range idx {
		counted = counted && uint64(v)-uint64(idx[0]) == uint64(i)
	}
	if counted {
		return r
	}
	r.byIdx = make(map[int64]uint32, len(idx))
	for i, v := range idx {
		if _, twice := r.byIdx[v]; twice {
			r.twice = i
			break
		}
		r.byIdx[v] = uint32(i)
	}
	return r
}

func (r *rows) len() int { return len(r.idx) }

// find tries the guessed row first, because score files mostly have the manifest's order.
func (r *rows) find(idx int64, guess uint32) (row uint32, ok bool) {
	if uint64(guess) < uint64(len(r.idx)) && r.idx[guess] == idx {
		return guess, true
	}
	if r.byIdx != nil {
		row, ok = r.byIdx[idx]
		return row, ok
	}
	if len(r.idx) == 0 {
		return 0, false
	}
	distance := uint64(idx) - uint64(r.idx[0])
	return uint32(distance), distance < uint64(len(r.idx))
}
