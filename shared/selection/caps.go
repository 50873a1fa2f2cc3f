package selection

import (
	"errors"
	"fmt"
	"slices"
)

// Caps are the most that one source, one style, one image may have of a selection; a zero Cap sets
// no bound. Whatever has reached its cap leaves all bins at once, with all its samples. Example:
// {Source: "10%", Image: "3"} in JSON's form.
type Caps struct {
	Source Cap `json:"source,omitzero"`
	// Style counts a sample of several styles for each of them.
	Style Cap `json:"style,omitzero"`
	Image Cap `json:"image,omitzero"`
}

// A Cap is a count of samples from 1, or a ratio of the budget above 0 up to 1.0, rounded down but
// to 1 at least. With a budget in tokens a ratio counts tokens, and a sample that would exceed it
// leaves when its turn comes. A Cap is written as a Budget is.
type Cap struct{ amount Budget }

// ParseCap reads a cap in the forms that ParseBudget takes for samples.
func ParseCap(text string) (Cap, error) {
	amount, err := parseSamples("cap", text)
	return Cap{amount}, err
}

// IsZero says whether the cap sets no bound.
func (c Cap) IsZero() bool { return c == Cap{} }

// String is the cap in a form that ParseCap reads back, and empty where there is none.
func (c Cap) String() string { return c.amount.String() }

// MarshalText is String.
func (c Cap) MarshalText() ([]byte, error) { return c.amount.MarshalText() }

// UnmarshalText is ParseCap; an empty text is the zero Cap.
func (c *Cap) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Cap{}
		return nil
	}
	parsed, err := ParseCap(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// UnmarshalJSON reads a string or a number, the latter as it is written.
func (c *Cap) UnmarshalJSON(data []byte) error { return unmarshalAmount(data, c.UnmarshalText) }

// of is the cap of a selection with a budget.
func (c Cap) of(budget int) int {
	if c.amount.ratio > 0 {
		return max(int(float64(budget)*c.amount.ratio), 1)
	}
	return c.amount.count
}

// inTokens says whether the cap counts tokens.
func (c Cap) inTokens(p Params) bool { return p.InTokens && c.amount.ratio > 0 }

func (c Caps) validate(pool *Pool) error {
	if !c.Image.IsZero() && pool.ImageStart == nil {
		return errors.New("caps: the pool's images are not known; leave out the cap of an image")
	}
	return nil
}

func (c Caps) validateIncludes(p Params, pool *Pool) error {
	quotas := newQuotas(pool, p)
	included := newBitset(pool.Len())
	for _, s := range p.Include {
		if !included.has(s) {
			included.set(s)
			quotas.charge(s, func(*quota, uint32) {})
		}
	}
	var faults []error
	for _, q := range quotas {
		for i, used := range q.used {
			if used > q.limit {
				faults = append(faults, fmt.Errorf("caps: %s %s has %d of what is to be included, and its cap is %d; the least is %d", q.kind, q.name(uint32(i)), used, q.limit, used))
			}
		}
	}
	return errors.Join(faults...)
}

// A quota counts what the sources, or the styles, or the images have of a selection.
type quota struct {
	kind    string
	reason  Reason
	limit   int
	name    func(i uint32) string
	of      func(s uint32) []uint32 // the sources, styles or images of a sample
	cost    func(s uint32) int
	used    []int
	members *index // nil until something reaches its cap
}

// quotas are those that a selection has.
type quotas []*quota

func newQuotas(pool *Pool, p Params) quotas {
	var all quotas
	add := func(c Cap, kind string, reason Reason, n int, name func(uint32) string, of func(uint32) []uint32) {
		if c.IsZero() {
			return
		}
		q := &quota{kind: kind, reason: reason, limit: c.of(p.Budget), name: name, of: of, used: make([]int, n)}
		q.cost = func(uint32) int { return 1 }
		if c.inTokens(p) {
			q.cost = func(s uint32) int { return int(pool.Tokens[s]) }
		}
		all = append(all, q)
	}
	quoted := func(names []string) func(uint32) string {
		return func(i uint32) string { return fmt.Sprintf("%q", names[i]) }
	}
	add(p.Caps.Source, "source", ReasonSourceCap, len(pool.SourceNames), quoted(pool.SourceNames), func(s uint32) []uint32 {
		return pool.Source[s : s+1]
	})
	add(p.Caps.Style, "style", ReasonStyleCap, len(pool.StyleNames), quoted(pool.StyleNames), pool.styles)
	images := 0
	if len(pool.Image) > 0 {
		images = int(slices.Max(pool.Image)) + 1
	}
	add(p.Caps.Image, "image", ReasonImageCap, images, func(i uint32) string { return fmt.Sprint(i) }, pool.images)
	return all
}

// full is the first quota that has no room for a sample, nil where all have.
func (all quotas) full(s uint32) *quota {
	for _, q := range all {
		for _, i := range q.of(s) {
			if q.used[i] >= q.limit || q.used[i]+q.cost(s) > q.limit {
				return q
			}
		}
	}
	return nil
}

// charge counts a sample, and reports whatever reaches its cap by it.
func (all quotas) charge(s uint32, full func(q *quota, i uint32)) {
	for _, q := range all {
		for _, i := range q.of(s) {
			before := q.used[i]
			q.used[i] += q.cost(s)
			if before < q.limit && q.used[i] >= q.limit {
				full(q, i)
			}
		}
	}
}

// samples are those of a source, a style or an image.
func (q *quota) samples(i uint32, n int) []uint32 {
	if q.members == nil {
		q.members = newIndex(n, len(q.used), q.of)
	}
	return q.members.sample[q.members.start[i]:q.members.start[i+1]]
}

// An index lists the samples that have a thing, for each thing: those of thing i are
// sample[start[i]:start[i+1]].
type index struct{ start, sample []uint32 }

func newIndex(samples, things int, of func(s uint32) []uint32) *index {
	x := &index{start: make([]uint32, things+1)}
	for s := range uint32(samples) {
		for _, i := range of(s) {
			x.start[i+1]++
		}
	}
	for i := range things {
		x.start[i+1] += x.start[i]
	}
	next := slices.Clone(x.start)
	x.sample = make([]uint32, x.start[things])
	for s := range uint32(samples) {
		for _, i := range of(s) {
			x.sample[next[i]] = s
			next[i]++
		}
	}
	return x
}
