package selection

// levels is the number of ratings that cells count: missing, then 0 to levels-2. Our scorers give no other ratings.
const levels = 8

// A cell counts a group's samples by their rating for one capability: missing ratings first, then 0, 1 and so on. So
// the number of the group's candidates is known for any threshold.
type cell [levels]uint32

// countCells counts the cells of all groups for a column of ratings; it returns nil if a rating is not a level.
func countCells(groups *groups, ratings []int8) []cell {
	cells := make([]cell, groups.len())
	of := groups.of[:len(ratings)]
	for s, rating := range ratings {
		level := int(rating) + 1
		if rating == Missing {
			level = 0
		} else if uint(level) >= levels || level == 0 {
			return nil
		}
		cells[of[s]][level]++
	}
	return cells
}
