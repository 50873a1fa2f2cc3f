package similarity

import (
	"cmp"
	"slices"
)

const (
	// templateMost is the largest number of bits in which the templates of a cluster differ from its leader. It
	// corresponds to a Jaccard similarity of about .6: one word in seven differs.
	templateMost = 52
	// maxTemplateLeaders is the largest number of templates that lead clusters with other templates. With this limit, the
	// time is linear.
	maxTemplateLeaders = 512
)

// Templates has the different templates of a pool. They are numbered from 1 on, in the order in which they occur. The
// zero Templates is empty.
type Templates struct {
	numbers map[uint64]uint32
	words   []Signature
	counts  []uint32
	names   map[uint32]string // texts of templates that may be among the largest, by number
}

// A TemplateKey is the part of a template (see Template) that is compared.
type TemplateKey struct {
	Hash  uint64
	Words Signature
}

// TemplateKeyOf returns the key of a template. The template must not be empty.
func TemplateKeyOf(template string) TemplateKey {
	return TemplateKey{HashOf(template), OfText(template)}
}

// named is the number of templates whose texts are kept although they occur only once.
const named = 1000

// Number returns the number of a template, and adds samples to the number of its samples. name is its text.
func (t *Templates) Number(key TemplateKey, name string, samples uint32) uint32 {
	if t.numbers == nil {
		t.numbers, t.names = map[uint64]uint32{}, map[uint32]string{}
	}
	number, known := t.numbers[key.Hash]
	if !known {
		t.words, t.counts = append(t.words, key.Words), append(t.counts, 0)
		number = uint32(len(t.words))
		t.numbers[key.Hash] = number
	}
	t.counts[number-1] += samples
	if t.counts[number-1] > 1 || number <= named {
		t.names[number] = name
	}
	return number
}

// Clusters joins similar templates. Each template leads a cluster, or is in the cluster of the nearest leader that has
// at least as many samples. Clusters are numbered from 1, the cluster with the most samples first. of[n] is the cluster
// of template n, and of[0] is 0. names has the texts of the leaders of the largest clusters, at most `most`.
func (t *Templates) Clusters(most int) (of []uint32, names []string) {
	order := make([]uint32, len(t.words)) // templates, sorted by their number of samples
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return cmp.Compare(t.counts[b], t.counts[a]) })
	led := make([]uint32, len(order))
	samples := make([]uint64, len(order)) // numbers of samples of the clusters that templates lead
	var leaders []uint32
	for _, i := range order {
		leader := i
		best := templateMost + 1
		for _, j := range leaders {
			if d := t.words[i].Distance(t.words[j]); d < best {
				best, leader = d, j
			}
		}
		if leader == i && len(leaders) < maxTemplateLeaders {
			leaders = append(leaders, i)
		}
		led[i] = leader
		samples[leader] += uint64(t.counts[i])
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return cmp.Compare(samples[b], samples[a]) })
	rank := make([]uint32, len(order))
	for i, template := range order {
		rank[template] = uint32(i) + 1
	}
	of = make([]uint32, len(order)+1)
	for i, leader := range led {
		of[i+1] = rank[leader]
	}
	for _, template := range order[:min(most, len(order))] {
		name, known := t.names[template+1]
		if !known || samples[template] == 0 {
			break
		}
		names = append(names, name)
	}
	return of, names
}
