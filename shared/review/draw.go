// Package review checks a subset by eye: a person chooses between two samples of one bin, without knowing which of the
// two the selection took. The other one was left, or another selection took it. The package draws the pairs, keeps the
// choices, and sums them up.
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
	// MaxPairs is the most.
	MaxPairs = 2000
)

// A Request says which selection is reviewed. Equal requests have equal pairs.
type Request struct {
	Run string `json:"run"`
	A   string `json:"a"` // a selection
	// Against is another selection of the run; empty for the samples that A left.
	Against string `json:"against,omitempty"`
	Pairs   int    `json:"pairs"`
	Seed    uint64 `json:"seed"`
}

// String says what is compared.
func (r Request) String() string {
	other := "the samples that it left"
	if r.Against != "" {
		other = "selection " + r.Against
	}
	return fmt.Sprintf("selection %s of run %s and %s, with --pairs %d and --seed %d", r.A, r.Run, other, r.Pairs, r.Seed)
}

// Check names the faults of a request.
func (r Request) Check() error {
	switch {
	case r.Pairs < 1 || r.Pairs > MaxPairs:
		return fmt.Errorf("pairs: %d; give 1 to %d", r.Pairs, MaxPairs)
	case r.Against == r.A:
		return errors.New("against: it is the selection itself; give another one, or leave it out")
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

// A Pair is two samples of one bin: both have the style, and can be picked for the capability.
type Pair struct {
	Number int `json:"pair"` // from 1
	// Capability is the capability for which A picked its sample; empty if none did.
	Capability string `json:"capability"`
	Style      string `json:"style"` // the main one of both
	// Left and Right are indexes of samples in the dataset.
	Left  int64 `json:"left_index"`
	Right int64 `json:"right_index"`
	// Side is the side of the sample that A took.
	Side Choice `json:"a_is"`
}

// Pairs draws and remembers the pairs of reviews.
type Pairs struct {
	runs    *run.Reader
	subsets *subset.Reader
	drawn   *cache.Cache[[]Pair]
}

// NewPairs draws from runs and their selections.
func NewPairs(runs *run.Reader, subsets *subset.Reader) (*Pairs, error) {
	if runs == nil || subsets == nil {
		return nil, errors.New("making review.Pairs: a reader of runs or of selections is missing")
	}
	return &Pairs{runs, subsets, cache.New(runs.Share(4), func(p []Pair) int { return 64 + 96*len(p) })}, nil
}

// Of draws the pairs of a request, or fewer if the selection has fewer. Capabilities take turns, so that each has about
// the same number of pairs. No sample is in two pairs. A *run.RefusedError is a fault of the request.
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
			return nil, &run.RefusedError{Reason: "there is no pair: no sample that was left, or that the other selection " +
				"took, has a style of a sample that the selection took; review another selection"}
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

// random is the source of the request's random numbers.
func (r Request) random() *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(r.Run + " " + r.A + " " + r.Against)) // a hash takes all
	_ = binary.Write(hash, binary.LittleEndian, r.Seed)
	return rand.New(rand.NewPCG(r.Seed, hash.Sum64()))
}

// A drawing has the samples for drawing pairs.
type drawing struct {
	pool   *selection.Pool
	random *rand.Rand
	// taken are the samples of A, by the capability that picked them.
	taken []*takenFor
	// others are the samples of the other side by their main style.
	others map[uint32][]uint32
	used   map[uint32]bool
}

type takenFor struct {
	capability string
	column     int // of its ratings; -1 for none
	samples    []uint32
}

// style is the main style of a sample, if it has one.
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

// next is the next pair of a capability, if there is one.
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

// other is the next sample of the other side that has a style, and that a capability could pick because its rating is
// above 0.
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
