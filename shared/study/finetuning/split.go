package finetuning

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A Member is a sample to be put on one side of the split.
type Member struct {
	ID string
	// Images are identities of the images: equal images are equal strings.
	Images []string
}

// validationShare is the share of the samples that is kept for validation, if the groups allow it.
const validationShare = 0.1

// Split returns which samples are for validation. Samples that share an image, directly or through other samples, are
// on one side, so that no image is in training and in validation. Groups are taken in an order that the seed and their
// content decide while they fit in the share; if none fits, the smallest is, unless it is the only one.
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

// A group is samples that belong together. Its name is the least of their images, or the id of a sample without any.
type group struct {
	name    string
	members []int
}

func (g group) hash(seed uint64) []byte {
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), g.name...))
	return sum[:]
}

// groupByImage makes groups, in the order of their first members.
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
