package selection

// levels are the ratings that cells count: missing ones, then 0 to levels-2. Our scorers give no others.
const levels = 8

// A cell counts a group's samples by their rating for one capability: missing ones first, then those rated 0, 1 and so
// on. From it follows for any threshold how many candidates the group has.
type cell [levels]uint32

// countCells counts the cells of all groups for a column of ratings; nil if one is not a level.
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
