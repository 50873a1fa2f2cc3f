package selection

import (
	"math/bits"
	"slices"
	"strings"
)

// cells groups the samples that differ in their ratings alone: of one source, with the same styles
// in the same order. All samples of a cell are in the same bins, at the same places, so that what
// concerns bins is done once a cell; there are a few thousand cells where there are millions of
// samples.
type cells struct {
	// of holds the cell of each sample. Cell 0 holds those that can never be picked.
	of []uint32
	// Cell c has the samples sample[start[c]:start[c+1]], in the pool's order.
	start  []uint32
	sample []uint32
	// Cell c is in the bins bin[binStart[c]:binStart[c+1]], in the order of its samples' styles.
	binStart []uint32
	bin      []uint32
	// binNames are style + "+" + source, ascending by code point: a bin's number is its rank by name.
	binNames []string
	// Bin b holds the cells seats[seatStart[b]:seatStart[b+1]], by place.
	seatStart []uint32
	seats     []seat
}

// A seat is a cell in a bin. Its place, from 0, is that of the bin's style in the cell's styles.
type seat struct{ cell, place uint32 }

// newCells groups a pool's samples but for the barred ones, of which there are none where barred is
// nil.
func newCells(p *Pool, barred bitset, workers int) *cells {
	c := &cells{of: make([]uint32, p.Len())}
	first := c.gather(p, barred, workers)
	c.nameBins(p, first)
	c.seatCells()
	return c
}

// bins are the bins of a cell.
func (c *cells) bins(cell uint32) []uint32 { return c.bin[c.binStart[cell]:c.binStart[cell+1]] }

// samples are the samples of a cell.
func (c *cells) samples(cell uint32) []uint32 { return c.sample[c.start[cell]:c.start[cell+1]] }

// lastPlace is the highest place of all seats.
func (c *cells) lastPlace() uint32 {
	last := uint32(0)
	for _, seat := range c.seats {
		last = max(last, seat.place)
	}
	return last
}

// len is the number of cells.
func (c *cells) len() int { return len(c.start) - 1 }

// gather fills of, start and sample, and returns the first sample of each cell. Each worker takes
// one part of the samples and numbers the cells it meets; then these numbers are made one.
func (c *cells) gather(p *Pool, barred bitset, workers int) (first []uint32) {
	var (
		parts   = make([]cellTable, workers)
		numbers = make([][]uint32, workers) // of each worker's cells
		next    = make([][]uint32, workers) // where in sample each worker's next one of a cell goes
		all     = newCellTable(p)
	)
	bounds := func(part int) (from, to uint32) {
		return uint32(p.Len() * part / workers), uint32(p.Len() * (part + 1) / workers)
	}
	parallel(workers, workers, func(_, i int) {
		parts[i] = newCellTable(p)
		from, to := bounds(i)
		for s := from; s < to; s++ {
			if barred == nil || !barred.has(s) {
				c.of[s] = parts[i].cell(s)
			}
		}
	})
	for i, part := range parts {
		numbers[i] = make([]uint32, len(part.first))
		for cell := 1; cell < len(part.first); cell++ {
			numbers[i][cell] = all.cell(part.first[cell])
		}
	}
	parallel(workers, workers, func(_, i int) {
		next[i] = make([]uint32, len(all.first))
		from, to := bounds(i)
		for s := from; s < to; s++ {
			c.of[s] = numbers[i][c.of[s]]
			next[i][c.of[s]]++
		}
	})
	c.start = make([]uint32, len(all.first)+1)
	at := uint32(0)
	for cell := range all.first {
		for i := range next {
			next[i][cell], at = at, at+next[i][cell]
		}
		c.start[cell+1] = at
	}
	c.sample = make([]uint32, p.Len())
	parallel(workers, workers, func(_, i int) {
		from, to := bounds(i)
		for s := from; s < to; s++ {
			cell := c.of[s]
			c.sample[next[i][cell]] = s
			next[i][cell]++
		}
	})
	return all.first
}

// A cellTable numbers cells, from 1 in the order of their first samples; samples without a style
// are in cell 0. It is a table with open addressing, which is asked once for every sample and takes
// a third of the time of a map.
type cellTable struct {
	pool   *Pool
	first  []uint32 // the first sample of each cell
	hashes []uint64 // of each cell
	shift  int      // what brings a hash to a position in the table
	table  []uint32 // cells; 0 where there is none
}

func newCellTable(p *Pool) cellTable {
	const bits = 12
	return cellTable{pool: p, first: []uint32{0}, hashes: []uint64{0}, shift: 64 - bits, table: make([]uint32, 1<<bits)}
}

// cell is the cell of a sample.
func (t *cellTable) cell(s uint32) uint32 {
	source, styles := t.pool.Source[s], t.pool.styles(s)
	if len(styles) == 0 {
		return 0
	}
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio (Knuth, volume 3, 6.4)
	hash := (uint64(source) + 1) * golden
	for _, style := range styles {
		hash = (bits.RotateLeft64(hash, 23) ^ uint64(style)) * golden
	}
	at := hash >> t.shift
	for ; t.table[at] != 0; at = t.after(at) {
		cell := t.table[at]
		other := t.first[cell]
		if t.hashes[cell] == hash && t.pool.Source[other] == source && slices.Equal(t.pool.styles(other), styles) {
			return cell
		}
	}
	cell := uint32(len(t.first))
	t.first, t.hashes = append(t.first, s), append(t.hashes, hash)
	t.table[at] = cell
	if 2*len(t.first) > len(t.table) {
		t.grow()
	}
	return cell
}

// after is the position to look at after another.
func (t *cellTable) after(at uint64) uint64 { return (at + 1) & uint64(len(t.table)-1) }

func (t *cellTable) grow() {
	t.shift--
	t.table = make([]uint32, 2*len(t.table))
	for cell := 1; cell < len(t.first); cell++ {
		at := t.hashes[cell] >> t.shift
		for t.table[at] != 0 {
			at = t.after(at)
		}
		t.table[at] = uint32(cell)
	}
}

// nameBins fills binStart, bin and binNames.
func (c *cells) nameBins(p *Pool, first []uint32) {
	type pair struct{ style, source uint32 }
	var (
		known = make(map[pair]uint32)
		names []string
	)
	c.binStart = make([]uint32, 2, len(first)+1) // two zeros: cell 0 is in no bin
	for _, s := range first[1:] {
		for _, style := range p.styles(s) {
			of := pair{style, p.Source[s]}
			id, ok := known[of]
			if !ok {
				id = uint32(len(names))
				known[of] = id
				names = append(names, p.StyleNames[style]+"+"+p.SourceNames[of.source])
			}
			c.bin = append(c.bin, id)
		}
		c.binStart = append(c.binStart, uint32(len(c.bin)))
	}

	order := make([]uint32, len(names))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return strings.Compare(names[x], names[y]) })
	rank := make([]uint32, len(names))
	for _, id := range order {
		// A bin is its name: "a" + "b+c" and "a+b" + "c" are one, as in the reference.
		if last := len(c.binNames) - 1; last < 0 || c.binNames[last] != names[id] {
			c.binNames = append(c.binNames, names[id])
		}
		rank[id] = uint32(len(c.binNames) - 1)
	}
	for i, id := range c.bin {
		c.bin[i] = rank[id]
	}
}

// seatCells fills seatStart and seats, one place after the other, each from the cells that reach it.
func (c *cells) seatCells() {
	c.seatStart = make([]uint32, len(c.binNames)+1)
	for _, bin := range c.bin {
		c.seatStart[bin+1]++
	}
	for i := 1; i < len(c.seatStart); i++ {
		c.seatStart[i] += c.seatStart[i-1]
	}
	next := slices.Clone(c.seatStart)
	c.seats = make([]seat, len(c.bin))
	reach := make([]uint32, c.len()-1)
	for i := range reach {
		reach[i] = uint32(i + 1)
	}
	for place := uint32(0); len(reach) > 0; place++ {
		further := reach[:0]
		for _, cell := range reach {
			bins := c.bins(cell)
			bin := bins[place]
			c.seats[next[bin]] = seat{cell, place}
			next[bin]++
			if int(place)+1 < len(bins) {
				further = append(further, cell)
			}
		}
		reach = further
	}
}
