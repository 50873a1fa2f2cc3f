package subset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// maxMoved is the largest number of ids in In, and in Out, of a Comparison.
const maxMoved = 10

// A CompareRequest names the two sides of a comparison.
type CompareRequest struct {
	// Selection is the first selection; empty to compare two runs without selections.
	Selection string `json:"selection,omitempty"`
	// Other is the second selection. If OtherRun is given, Other is a selection of OtherRun. Instead of Other, IDs may
	// name any samples of the dataset.
	Other string   `json:"other,omitempty"`
	IDs   []string `json:"ids,omitempty"`
	// OtherRun is another run of the same dataset. Its ratings are compared, too.
	OtherRun string `json:"other_run,omitempty"`
}

// A Comparison compares two sets of samples of one dataset: the selection A, and B. It describes the samples. It does
// not measure how well models train on them.
type Comparison struct {
	A    int `json:"a"` // number of samples
	B    int `json:"b"`
	Both int `json:"both"`
	// Sources, Styles and Capabilities count samples by source, style and capability. A sample counts for each of its
	// styles, and for the capability that picked it. Samples that were named by ids have no capability.
	Sources      []Flow `json:"sources,omitempty"`
	Styles       []Flow `json:"styles,omitempty"`
	Capabilities []Flow `json:"capabilities,omitempty"`
	// In has the ids of the first samples that only B has. Out has the ids of the first samples that only A has. Both are
	// in the order of picking, and have at most ten ids.
	In  []string `json:"in,omitempty"`
	Out []string `json:"out,omitempty"`
	// Columns compare numeric columns that are not from a scorer.
	Columns []ColumnPair `json:"columns,omitempty"`
	// Correlations compare the ratings of two runs.
	Correlations []Correlation `json:"correlations,omitempty"`
}

// A Flow counts samples of A and B: In counts the samples that only B has, Out the samples that only A has.
type Flow struct {
	Name string `json:"name"`
	A    int    `json:"a"`
	B    int    `json:"b"`
	In   int    `json:"in"`
	Out  int    `json:"out"`
}

// A Correlation has Spearman's rank correlation between the expected scores of two runs for one capability. It uses the
// samples that both runs rated. The correlation is nil if all expected scores of one run are equal.
type Correlation struct {
	Capability string   `json:"capability"`
	Samples    int      `json:"samples"`
	Spearman   *float64 `json:"spearman"`
}

// A sampleNumbers has the indexes of samples in the dataset, and the capability that picked each sample.
type sampleNumbers struct {
	sel   *Selection // nil if the samples were named by ids
	order []uint32
	of    map[uint32]string
}

// Compare compares a selection of a run with other samples of its dataset. The error is a *run.RefusedError for an
// invalid request, ErrNoSelection for an unknown selection, and ErrBusy if too many selections are waiting.
func (r *Reader) Compare(ctx context.Context, runID string, request CompareRequest) (*Comparison, error) {
	var c *Comparison
	err := r.pair(ctx, runID, request, func(p *Pair) error {
		c = p.Comparison
		return nil
	})
	return c, err
}

// pair compares like Compare, and calls use with the result while no other selection is computed. A side that was named
// by ids has no Selection in the Pair. With two runs, the Pair has the pool and the plan of the first run.
func (r *Reader) pair(ctx context.Context, runID string, request CompareRequest, use func(*Pair) error) error {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return err
	}
	other := plan
	if request.OtherRun != "" {
		if other, err = r.runs.UsablePlan(ctx, request.OtherRun); err != nil {
			return err
		}
	}
	if err := request.check(plan, other); err != nil {
		return &run.RefusedError{Reason: err.Error()}
	}
	var a, b *sampleNumbers
	if request.Selection != "" {
		if a, err = r.selectedNumbers(ctx, plan, request.Selection); err != nil {
			return err
		}
	}
	if request.Other != "" {
		b, err = r.selectedNumbers(ctx, other, request.Other)
	} else if len(request.IDs) > 0 {
		b, err = r.namedNumbers(ctx, plan, request.IDs)
	}
	if err != nil {
		return err
	}
	return r.pools.compute(ctx, func() error {
		p := &Pair{Plan: plan, Comparison: &Comparison{}}
		if err := r.compare(ctx, other, a, b, p); err != nil {
			return fmt.Errorf("comparing samples of run %s: %w", runID, err)
		}
		return use(p)
	})
}

// check returns an error if fields contradict each other.
func (c CompareRequest) check(plan, other *run.Plan) error {
	sets := 0
	for _, given := range []bool{c.Selection != "", c.Other != "" || len(c.IDs) > 0} {
		if given {
			sets++
		}
	}
	switch {
	case c.Other != "" && len(c.IDs) > 0:
		return errors.New("other: ids are given, too; remove `other` or `ids`")
	case sets == 1:
		return errors.New("selection: a comparison needs two sets; name a selection, and another selection or ids")
	case sets == 0 && other.Run == plan.Run:
		return errors.New("selection: it is missing; name a selection, or another run to compare the ratings")
	case !slices.EqualFunc(plan.Manifests, other.Manifests, func(a, b run.Manifest) bool {
		return a.Size == b.Size && a.CRC32C == b.CRC32C
	}) || plan.Samples != other.Samples:
		return fmt.Errorf("other_run: %s is not a run of the same files as %s", other.Run, plan.Run)
	}
	return nil
}

// selectedNumbers returns the samples of a selection.
func (r *Reader) selectedNumbers(ctx context.Context, plan *run.Plan, id string) (*sampleNumbers, error) {
	sel, err := r.Selection(ctx, plan.Run, id)
	if err != nil {
		return nil, err
	}
	if err := r.ensureDetails(ctx, plan, id); err != nil {
		return nil, err
	}
	numbers := &sampleNumbers{sel: sel, of: map[uint32]string{}}
	return numbers, r.EachPick(ctx, sel, func(p scores.Pick) {
		numbers.order = append(numbers.order, uint32(p.Index))
		numbers.of[uint32(p.Index)] = p.Capability
	})
}

// EachPick calls use with each pick of a completed selection, in the order of picking. The error is a *bucket.LostError
// if the picks are missing or damaged.
func (r *Reader) EachPick(ctx context.Context, sel *Selection, use func(scores.Pick)) error {
	name := picksName(sel.Run, sel.ID)
	data, err := bucket.ReadAll(ctx, r.work, name)
	if err != nil {
		return r.lost(sel.Run, sel.ID, err)
	}
	if err := scores.EachPick(bytes.NewReader(data), int64(len(data)), use); err != nil {
		return r.lost(sel.Run, sel.ID, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
	}
	return nil
}

// namedNumbers returns the samples that names refer to (dataset.Lookup).
func (r *Reader) namedNumbers(ctx context.Context, plan *run.Plan, ids []string) (*sampleNumbers, error) {
	named, err := r.samplesOf(plan).find(ctx, "ids", ids)
	if err != nil {
		return nil, refusedName(err)
	}
	numbers := &sampleNumbers{order: union(named), of: map[uint32]string{}}
	for _, s := range numbers.order {
		numbers.of[s] = ""
	}
	return numbers, nil
}

// compare fills a pair by comparing its two sides. The caller must hold the slot for computing.
func (r *Reader) compare(ctx context.Context, other *run.Plan, a, b *sampleNumbers, p *Pair) error {
	pool, err := r.pool(ctx, p.Plan, selection.Request{})
	if err != nil {
		return err
	}
	c := p.Comparison
	p.Pool = pool
	if other.Run != p.Plan.Run {
		others, err := r.pool(ctx, other, selection.Request{})
		if err != nil {
			return err
		}
		c.Correlations = correlations(pool.Pool, others.Pool)
	}
	if a == nil || b == nil {
		return nil
	}
	p.A, p.B = a.sel, b.sel
	p.Both, p.OnlyA = divided(a, b)
	_, p.OnlyB = divided(b, a)
	c.A, c.B, c.Both = len(a.order), len(b.order), len(p.Both)
	c.flows(pool.Pool, a, b)
	if c.Columns, err = r.comparedColumns(ctx, p.Plan, a, b); err != nil {
		return err
	}
	if c.In, err = pool.firstIDs(ctx, p.OnlyB); err != nil {
		return err
	}
	c.Out, err = pool.firstIDs(ctx, p.OnlyA)
	return err
}

// divided splits a set into the samples that another set also has, and the other samples. Both parts keep the order.
func divided(one, other *sampleNumbers) (both, rest []uint32) {
	for _, s := range one.order {
		if _, shared := other.of[s]; shared {
			both = append(both, s)
		} else {
			rest = append(rest, s)
		}
	}
	return both, rest
}

// firstIDs returns the ids of the first samples of a list.
func (p *Pool) firstIDs(ctx context.Context, list []uint32) (first []string, err error) {
	list = list[:min(len(list), maxMoved)]
	if len(list) == 0 {
		return nil, nil
	}
	ids, err := p.idsOf(ctx, list)
	if err != nil {
		return nil, err
	}
	for i := range list {
		first = append(first, ids.at(i))
	}
	return first, nil
}

// flows counts the samples of both sides by source, style and capability.
func (c *Comparison) flows(pool *selection.Pool, a, b *sampleNumbers) {
	sources, styles, capabilities := map[string]*Flow{}, map[string]*Flow{}, map[string]*Flow{}
	for i, one := range []*sampleNumbers{a, b} {
		other := []*sampleNumbers{b, a}[i]
		for _, s := range one.order {
			_, both := other.of[s]
			count := func(flows map[string]*Flow, name string) {
				if flows[name] == nil {
					flows[name] = &Flow{Name: name}
				}
				flows[name].add(i == 0, both)
			}
			count(sources, pool.SourceNames[pool.Source[s]])
			for _, style := range pool.Style[pool.StyleStart[s]:pool.StyleStart[s+1]] {
				count(styles, pool.StyleNames[style])
			}
			if capability := one.of[s]; capability != "" {
				count(capabilities, capability)
			}
		}
	}
	c.Sources, c.Styles, c.Capabilities = sorted(sources), sorted(styles), sorted(capabilities)
}

// add counts a sample of A or of B.
func (f *Flow) add(ofA, both bool) {
	switch {
	case ofA && !both:
		f.Out++
	case !ofA && !both:
		f.In++
	}
	if ofA {
		f.A++
	} else {
		f.B++
	}
}

// sorted returns flows in descending order of the number of samples that are on only one side.
func sorted(flows map[string]*Flow) []Flow {
	all := make([]Flow, 0, len(flows))
	for _, f := range flows {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.In+b.Out, a.In+a.Out), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// correlations returns the correlations of the capabilities that both pools have, in the order of the first pool.
func correlations(a, b *selection.Pool) (all []Correlation) {
	for i, name := range a.Capabilities {
		j := slices.Index(b.Capabilities, name)
		if j < 0 {
			continue
		}
		var x, y []float64
		for s, rating := range a.Ratings[i] {
			if rating != selection.Missing && b.Ratings[j][s] != selection.Missing {
				x, y = append(x, float64(a.Expected[i][s])), append(y, float64(b.Expected[j][s]))
			}
		}
		one := Correlation{Capability: name, Samples: len(x)}
		if rho, varies := agreement.Spearman(x, y); varies {
			one.Spearman = &rho
		}
		all = append(all, one)
	}
	return all
}
