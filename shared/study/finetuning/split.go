package finetuning

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A Member is a sample that Split puts into training or validation.
type Member struct {
	ID string
	// Images are identifiers of the images. Equal images must have equal identifiers.
	Images []string
}

// validationShare is the share of the samples for validation, if the groups allow it.
const validationShare = 0.1

// Split returns, for each sample, whether it is for validation. Samples that share an image, directly or through other
// samples, form a group. All samples of a group are for training or all for validation, so that no image is in both.
// Groups are taken for validation in an order that depends on the seed and their content, as long as they fit in the
// share. If no group fits, the smallest group is taken, unless it is the only group.
func Split(members []Member, seed uint64) []bool {
	groups := groupByImage(members)
	slices.SortStableFunc(groups, func(a, b group) int { return slices.Compare(a.hash(seed), b.hash(seed)) })
	validation := make([]bool, len(members))
	room, taken := int(float64(len(members))*validationShare), false
	take := func(g group) {
		for _, m := range g.members {
			validation[m] = true
		}
		room, taken = room-len(g.members), true
	}
	for _, g := range groups {
		if len(g.members) <= room {
			take(g)
		}
	}
	if !taken && len(groups) > 1 {
		take(slices.MinFunc(groups, func(a, b group) int { return cmp.Compare(len(a.members), len(b.members)) }))
	}
	return validation
}

// A group has samples that share images. Its name is the least of their images, or the id of a sample without images.
type group struct {
	name    string
	members []int
}

func (g group) hash(seed uint64) []byte {
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), g.name...))
	return sum[:]
}

// groupByImage divides the members into groups, in the order of their first members.
func groupByImage(members []Member) []group {
	parent := make([]int, len(members)) // parents in a forest: each group is a tree with its first member as the root
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[string]int{}
	for i, m := range members {
		parent[i] = i
		for _, image := range m.Images {
			if other, seen := first[image]; seen {
				a, b := find(i), find(other)
				parent[max(a, b)] = min(a, b)
			} else {
				first[image] = i
			}
		}
	}
	var groups []group
	at := map[int]int{}
	for i, m := range members {
		name := "text " + m.ID
		if len(m.Images) > 0 {
			name = "image " + slices.Min(m.Images)
		}
		g, seen := at[find(i)]
		if !seen {
			g = len(groups)
			at[find(i)] = g
			groups = append(groups, group{name: name})
		}
		groups[g].name = min(groups[g].name, name)
		groups[g].members = append(groups[g].members, i)
	}
	return groups
}
