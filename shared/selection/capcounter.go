package selection

import (
	"fmt"
	"slices"
	"strings"
)

// A capCounter counts, for each source, style, image, cluster, template or modality, the amount in the selection, up to
// its cap.
type capCounter struct {
	noun    string // source, style, image or modality
	reason  Reason
	limits  []int // cap of each source (style, image, ...)
	name    func(i uint32) string
	of      func(s uint32) []uint32 // the sources (styles, images, ...) of a sample
	cost    func(s uint32) int
	used    []int
	members *index // nil until a cap is reached
}

// numbersIn returns the size of a table that is indexed by these numbers: the largest plus 1.
func numbersIn(some []uint32) int {
	if len(some) == 0 {
		return 0
	}
	return int(slices.Max(some)) + 1
}

// capCounters are the counters of a selection.
type capCounters []*capCounter

func newCapCounters(pool *Pool, p Params) capCounters {
	var all capCounters
	add := func(c Cap, noun string, reason Reason, n int, name func(uint32) string, of func(uint32) []uint32) {
		if c.IsZero() {
			return
		}
		counter := &capCounter{
			noun: noun, reason: reason, limits: slices.Repeat([]int{c.of(p.Budget)}, n), name: name, of: of,
			used: make([]int, n),
		}
		counter.cost = func(uint32) int { return 1 }
		if c.inTokens(p) {
			counter.cost = func(s uint32) int { return int(pool.Tokens[s]) }
		}
		all = append(all, counter)
	}
	quoted := func(names []string) func(uint32) string {
		return func(i uint32) string { return fmt.Sprintf("%q", names[i]) }
	}
	numbered := func(i uint32) string { return fmt.Sprint(i) }
	source := func(s uint32) []uint32 { return pool.Source[s : s+1] }
	add(p.Caps.Source, "source", ReasonSourceCap, len(pool.SourceNames), quoted(pool.SourceNames), source)
	add(p.Caps.Style, "style", ReasonStyleCap, len(pool.StyleNames), quoted(pool.StyleNames), pool.styles)
	add(p.Caps.Image, "image", ReasonImageCap, numbersIn(pool.Image), numbered, pool.images)
	cluster := func(s uint32) []uint32 { return pool.Cluster[s : s+1] }
	add(p.Caps.Cluster, "cluster", ReasonClusterCap, numbersIn(pool.Cluster), numbered, cluster)
	template := func(s uint32) []uint32 {
		if pool.Template[s] == 0 {
			return nil // the sample has no template
		}
		return pool.Template[s : s+1]
	}
	add(p.Caps.Template, "template", ReasonTemplateCap, numbersIn(pool.Template), pool.templateName, template)
	first := []uint32{0}
	for _, m := range p.Caps.Modality.All() {
		add(*m.Cap, "modality", ReasonModality, 1, func(uint32) string { return m.Name }, func(s uint32) []uint32 {
			if m.has(pool.Shape[s]) {
				return first
			}
			return nil
		})
	}
	for _, d := range p.Mix.dimensions(pool) {
		if limits := d.limits(p.Budget); limits != nil {
			all = append(all, &capCounter{
				noun: strings.TrimSuffix(d.field, "s"), reason: d.reason, limits: limits, name: quoted(d.names), of: d.of,
				used: make([]int, len(d.names)), cost: func(uint32) int { return 1 },
			})
		}
	}
	return all
}

// exceeded returns the counter of the first cap that sample s would exceed; nil if there is no such cap.
func (all capCounters) exceeded(s uint32) *capCounter {
	for _, counter := range all {
		for _, i := range counter.of(s) {
			if counter.used[i] >= counter.limits[i] || counter.used[i]+counter.cost(s) > counter.limits[i] {
				return counter
			}
		}
	}
	return nil
}

// charge counts a sample. It calls reached for every source, style, image, ... that then reaches its cap.
func (all capCounters) charge(s uint32, reached func(counter *capCounter, i uint32)) {
	for _, counter := range all {
		for _, i := range counter.of(s) {
			before := counter.used[i]
			counter.used[i] += counter.cost(s)
			if before < counter.limits[i] && counter.used[i] >= counter.limits[i] {
				reached(counter, i)
			}
		}
	}
}

// samples returns the samples of number i (a source, style, image, ...), in a pool of n samples.
func (c *capCounter) samples(i uint32, n int) []uint32 {
	if c.members == nil {
		c.members = newIndex(n, len(c.used), c.of)
	}
	return c.members.sample[c.members.start[i]:c.members.start[i+1]]
}

// An index lists, for each number (a source, style, image, ...), the samples that have it: sample[start[i]:start[i+1]]
// for number i.
type index struct{ start, sample []uint32 }

func newIndex(samples, numbers int, of func(s uint32) []uint32) *index {
	x := &index{start: make([]uint32, numbers+1)}
	for s := range uint32(samples) {
		for _, i := range of(s) {
			x.start[i+1]++
		}
	}
	for i := range numbers {
		x.start[i+1] += x.start[i]
	}
	next := slices.Clone(x.start)
	x.sample = make([]uint32, x.start[numbers])
	for s := range uint32(samples) {
		for _, i := range of(s) {
			x.sample[next[i]] = s
			next[i]++
		}
	}
	return x
}
