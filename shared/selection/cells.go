package selection

// levels is the number of ratings that cells count: missing, then 0 to levels-2. Our scorers give no other ratings.
const levels = 8

// A cell counts a group's samples by their rating for one capability: missing ratings first, then 0, 1 and so on. So
// the number of the group's candidates is known for any threshold.
type cell [levels]uint32

// levelOf has the level of each rating, as an unsigned number; levels if it is none.
var levelOf = func() (of [256]uint8) {
	for rating := range of {
		of[rating] = levels
	}
	for level := range levels - 1 {
		of[level] = uint8(level + 1)
	}
	missing := int8(Missing)
	of[uint8(missing)] = 0
	return of
}()

// countCells counts the cells of all groups for each column of ratings; they are nil if a rating is not a level. Each
// worker counts several columns, chunk by chunk, so that it reads the groups of the samples once.
func countCells(groups *groups, columns [][]int8, workers int) [][]cell {
	all := make([][]cell, len(columns))
	inSets(workers, len(columns), len(columns), func(_, first, last int) {
		for c := first; c < last; c++ {
			all[c] = make([]cell, groups.len())
		}
		for start := 0; start < len(groups.of); start += chunk {
			of := groups.of[start:min(start+chunk, len(groups.of))]
			for c := first; c < last; c++ {
				if all[c] != nil && !addCells(all[c], of, columns[c][start:]) {
					all[c] = nil
				}
			}
		}
	})
	return all
}

// addCells counts ratings of samples of these groups; it returns false if a rating is not a level.
func addCells(cells []cell, of []uint32, ratings []int8) bool {
	ratings = ratings[:len(of)]
	for i, group := range of {
		level := levelOf[uint8(ratings[i])]
		if level >= levels {
			return false
		}
		cells[group][level]++
	}
	return true
}
