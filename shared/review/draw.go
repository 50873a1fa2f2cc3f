// Package review checks a subset by human choice. A person sees two samples of one bin and chooses the better one,
// without knowing which sample is in the selection. The other sample is not selected, or is in another selection. The
// package draws the pairs, stores the choices, and summarises them.
package review

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// DefaultPairs is the default number of pairs of a review.
	DefaultPairs = 60
	// MaxPairs is the largest number of pairs of a review.
	MaxPairs = 2000
)

// A Request identifies a review. Equal requests have equal pairs.
type Request struct {
	Run string `json:"run"`
	A   string `json:"a"` // id of the reviewed selection
	// Against is the id of another selection of the run; empty for the samples that are not in A.
	Against string `json:"against,omitempty"`
	Pairs   int    `json:"pairs"`
	Seed    uint64 `json:"seed"`
}

// String returns a description of the two sides of the comparison.
func (r Request) String() string {
	other := "the samples that are not in it"
	if r.Against != "" {
		other = "selection " + r.Against
	}
	return fmt.Sprintf("selection %s of run %s and %s, with --pairs %d and --seed %d", r.A, r.Run, other, r.Pairs, r.Seed)
}

// Check returns an error if the request is invalid.
func (r Request) Check() error {
	switch {
	case r.Pairs < 1 || r.Pairs > MaxPairs:
		return fmt.Errorf("pairs: %d; give 1 to %d", r.Pairs, MaxPairs)
	case r.Against == r.A:
		return fmt.Errorf("against: %q is the reviewed selection; give another selection, or leave against out", r.Against)
	}
	return nil
}

// A Choice is a reviewer's choice for a pair.
type Choice string

// The choices.
const (
	Left  Choice = "left"
	Right Choice = "right"
	Tie   Choice = "tie"
)

// A Pair is two samples of one bin: both have the style, and both can be picked for the capability.
type Pair struct {
	Number int `json:"pair"` // from 1
	// Capability is the capability for which A picked its sample; empty if the sample was not picked for a capability.
	Capability string `json:"capability"`
	Style      string `json:"style"` // the main style of both samples
	// Left and Right are indexes of samples in the dataset.
	Left  int64 `json:"left_index"`
	Right int64 `json:"right_index"`
	// Side is the side of the sample of A.
	Side Choice `json:"a_is"`
}

// Pairs draws and caches the pairs of reviews.
type Pairs struct {
	runs    *run.Reader
	subsets *subset.Reader
	drawn   *cache.Cache[[]Pair]
}

// NewPairs returns a Pairs for the selections of runs.
func NewPairs(runs *run.Reader, subsets *subset.Reader) (*Pairs, error) {
	if runs == nil || subsets == nil {
		return nil, errors.New("making review.Pairs: a reader of runs or of selections is missing")
	}
	return &Pairs{runs, subsets, cache.New(runs.Share(4), func(p []Pair) int { return 64 + 96*len(p) })}, nil
}

// Of draws the pairs of a request. It draws fewer pairs if the selection does not have enough. Capabilities take turns,
// so that each has about the same number of pairs. No sample is in two pairs. The error of an invalid request is a
// *run.RefusedError.
func (p *Pairs) Of(ctx context.Context, r Request) ([]Pair, error) {
	if err := r.Check(); err != nil {
		return nil, &run.RefusedError{Reason: err.Error()}
	}
	key := fmt.Sprintf("%s %s %s %d %d", r.Run, r.A, r.Against, r.Pairs, r.Seed)
	return p.drawn.Get(ctx, key, func(ctx context.Context) ([]Pair, error) {
		d, err := p.read(ctx, r)
		if err != nil {
			return nil, err
		}
		pairs := d.draw(r)
		if len(pairs) == 0 {
			return nil, &run.RefusedError{Reason: "no pair can be made: no sample of the other side has the same style as a " +
				"sample of the selection; review another selection"}
		}
		return pairs, nil
	})
}

// read reads the samples for drawing pairs.
func (p *Pairs) read(ctx context.Context, r Request) (*drawing, error) {
	if _, err := p.runs.ScoredPlan(ctx, r.Run); err != nil {
		return nil, err
	}
	pool, err := p.subsets.Pool(ctx, r.Run)
	if err != nil {
		return nil, err
	}
	a, err := p.subsets.Selection(ctx, r.Run, r.A)
	if err != nil {
		return nil, err
	}
	d := &drawing{pool: pool.Pool, random: r.random(), used: map[uint32]bool{}, others: map[uint32][]uint32{}}
	taken, err := p.subsets.Reasons(ctx, r.Run, r.A)
	if err != nil {
		return nil, err
	}
	other := func(i int) bool { return pool.Status[i] == scores.OK && taken.At(i) != "" }
	inBoth := func(int) bool { return false }
	if r.Against != "" {
		against, err := p.subsets.Reasons(ctx, r.Run, r.Against)
		if err != nil {
			return nil, err
		}
		other = func(i int) bool { return against.At(i) == "" && taken.At(i) != "" }
		inBoth = func(i int) bool { return against.At(i) == "" }
	}
	for i := range pool.Pool.Len() {
		if style, ok := d.style(uint32(i)); ok && other(i) {
			d.others[style] = append(d.others[style], uint32(i))
		}
	}
	return d, p.subsets.EachPick(ctx, a, func(pick scores.Pick) {
		if !inBoth(int(pick.Index)) {
			d.add(pick.Capability, uint32(pick.Index))
		}
	})
}

// random returns the source of random numbers of the request.
func (r Request) random() *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(r.Run + " " + r.A + " " + r.Against)) // writing to a hash cannot fail
	_ = binary.Write(hash, binary.LittleEndian, r.Seed)
	return rand.New(rand.NewPCG(r.Seed, hash.Sum64()))
}

// A drawing has the samples for drawing pairs.
type drawing struct {
	pool   *selection.Pool
	random *rand.Rand
	// taken has the samples of A, by the capability for which they were picked.
	taken []*takenFor
	// others has the samples of the other side, by their main style.
	others map[uint32][]uint32
	used   map[uint32]bool
}

type takenFor struct {
	capability string
	column     int // column of the capability's ratings; -1 without a capability
	samples    []uint32
}

// style returns the main style of a sample, if it has a style.
func (d *drawing) style(i uint32) (uint32, bool) {
	if d.pool.StyleStart[i] == d.pool.StyleStart[i+1] {
		return 0, false
	}
	return d.pool.Style[d.pool.StyleStart[i]], true
}

// add adds a sample of A.
func (d *drawing) add(capability string, sample uint32) {
	at := slices.IndexFunc(d.taken, func(t *takenFor) bool { return t.capability == capability })
	if at < 0 {
		at = len(d.taken)
		d.taken = append(d.taken, &takenFor{capability, slices.Index(d.pool.Capabilities, capability), nil})
	}
	d.taken[at].samples = append(d.taken[at].samples, sample)
}

// draw draws the pairs.
func (d *drawing) draw(r Request) []Pair {
	slices.SortFunc(d.taken, func(a, b *takenFor) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.capability, b.capability))
	})
	for _, t := range d.taken {
		d.shuffle(t.samples)
	}
	styles := make([]uint32, 0, len(d.others))
	for style := range d.others {
		styles = append(styles, style)
	}
	slices.Sort(styles)
	for _, style := range styles {
		d.shuffle(d.others[style])
	}
	var pairs []Pair
	for found := true; found && len(pairs) < r.Pairs; {
		found = false
		for _, t := range d.taken {
			if len(pairs) == r.Pairs {
				break
			}
			if pair, ok := d.next(t); ok {
				pair.Number = len(pairs) + 1
				pairs, found = append(pairs, pair), true
			}
		}
	}
	return pairs
}

func (d *drawing) shuffle(samples []uint32) {
	d.random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
}

// next returns the next pair of a capability, if there is one.
func (d *drawing) next(t *takenFor) (Pair, bool) {
	for len(t.samples) > 0 {
		sample := t.samples[0]
		t.samples = t.samples[1:]
		style, ok := d.style(sample)
		if !ok || d.used[sample] {
			continue
		}
		other, ok := d.other(t.column, style)
		if !ok {
			continue
		}
		d.used[sample], d.used[other] = true, true
		pair := Pair{
			Capability: t.capability, Style: d.pool.StyleNames[style], Left: int64(sample), Right: int64(other), Side: Left,
		}
		if d.random.IntN(2) == 1 {
			pair.Left, pair.Right, pair.Side = pair.Right, pair.Left, Right
		}
		return pair, true
	}
	return Pair{}, false
}

// other returns the next sample of the other side that has the style and whose rating of the capability is above 0.
func (d *drawing) other(column int, style uint32) (uint32, bool) {
	samples := d.others[style]
	for i, sample := range samples {
		if column >= 0 && d.pool.Ratings[column][sample] <= 0 || d.used[sample] {
			continue
		}
		d.others[style] = slices.Delete(samples, i, i+1)
		return sample, true
	}
	return 0, false
}
