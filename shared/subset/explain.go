package subset

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Explanation has the reason why a sample is in a selection, or is not. For a sample that is not, it also shows how
// near the sample was to being picked.
type Explanation struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	// Failure is the reason, as a text, why the sample was not scored or cannot be selected. FailureCode is the code of
	// this reason.
	Failure     string      `json:"failure,omitempty"`
	FailureCode reason.Code `json:"failure_code,omitempty"`
	// Order is the sample's position, from 1, among the picks; 0 if it was not picked. For a picked sample, the fields up
	// to Rank are as in scores.Pick; otherwise they are zero.
	Order      int    `json:"order,omitempty"`
	Rule       string `json:"rule,omitempty"`
	Capability string `json:"capability,omitempty"`
	Round      int    `json:"round,omitempty"`
	Bin        string `json:"bin,omitempty"`
	Rank       int    `json:"rank,omitempty"`
	// Reason is the reason why the sample was not picked; empty if it was picked.
	Reason selection.Reason `json:"reason,omitempty"`
	// Conditions are the conditions of the selection, if the sample does not fulfil all of them.
	Conditions []selection.Condition `json:"conditions,omitempty"`
	// Rated are the sample's ratings, in the order of the rubric; nil if it was not scored.
	Rated []Rated `json:"rated,omitempty"`
	// Nearest is the capability and the bin in which an outranked sample was nearest to being picked.
	Nearest *NearMiss `json:"nearest,omitempty"`
	// NearTo is the item or sample that is near to this sample, if this sample was left out for this reason.
	NearTo *NearTo `json:"near_to,omitempty"`
	// Taken is the last sample that was picked for the capability and the bin of Nearest. It is nil if no sample was
	// picked there, if the strategy has no turns, and in results of ExplainAt.
	Taken *Taken `json:"taken,omitempty"`
	// Misses compares a sample that was not picked with the last picks of capabilities from its bins. The miss of Nearest
	// is first. The other misses are sorted by Gap, the smallest first.
	Misses []Miss `json:"misses,omitempty"`
	// Below has the capabilities whose threshold the sample did not exceed, the nearest first. It is nil if the sample has
	// no style or took no part in turns.
	Below []Below `json:"below,omitempty"`
}

// Rated has the rating and the expected score on one capability. A missing value is nil.
type Rated struct {
	Capability string   `json:"capability"`
	Rating     *int8    `json:"rating"`
	Expected   *float32 `json:"expected,omitempty"`
}

// A Taken is a sample that was picked instead of another sample.
type Taken struct {
	ID    string `json:"id"`
	Index int64  `json:"index"`
	Rated        // on the capability by which both samples are compared
	// Gap is the difference of the two ratings, and ExpectedGap the difference of the two expected scores; nil if one of
	// the expected scores is not known. A difference is positive if the taken sample's value is higher. It may be
	// negative, because the position of the bin's style among a sample's styles takes precedence.
	Gap         int      `json:"gap"`
	ExpectedGap *float32 `json:"expected_gap,omitempty"`
}

// A Miss compares a sample with the last sample that a capability picked from one of its bins.
type Miss struct {
	Capability string `json:"capability"`
	Bin        string `json:"bin"`
	Rating     int8   `json:"rating"`
	// Expected is the expected score; nil if there is none.
	Expected *float32 `json:"expected,omitempty"`
	// Picked is the number of samples that the capability picked from the bin. Last is the rating of the last picked
	// sample; nil if no sample was picked.
	Picked int   `json:"picked"`
	Last   *int8 `json:"last,omitempty"`
}

// Gap returns the rating of the last picked sample minus the rating of this sample. If no sample was picked, Gap
// returns a number above the largest difference.
func (m Miss) Gap() int {
	if m.Last == nil {
		return scorer.MaxRating + 1
	}
	return int(*m.Last) - int(m.Rating)
}

// Below is a rating that does not exceed its capability's threshold.
type Below struct {
	Capability string `json:"capability"`
	Rating     *int8  `json:"rating"` // nil: missing
	Threshold  int    `json:"threshold"`
}

// distance returns the difference between the rating and the lowest rating above the threshold. It is largest for a
// missing rating.
func (b Below) distance() int {
	if b.Rating == nil {
		return b.Threshold + 1 - scorer.Missing
	}
	return b.Threshold + 1 - int(*b.Rating)
}

// Explain explains samples of a selection by their names (dataset.Lookup), in the given order and each once. The error
// is a *run.RefusedError for an unknown name. Explain reads the ids of all samples, the picks and the reasons, but only
// the scores of the named samples.
func (r *Reader) Explain(ctx context.Context, runID, id string, ids []string) ([]Explanation, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	sel, err := r.Selection(ctx, runID, id)
	if err != nil {
		return nil, err
	}
	named, err := r.samplesOf(plan).find(ctx, "id", ids)
	if err != nil {
		return nil, refusedName(err)
	}
	explanations, err := r.explain(ctx, plan, sel, union(named))
	if err != nil {
		return nil, err
	}
	return explanations, r.compareTaken(ctx, plan, explanations)
}

// ExplainAt explains samples of a selection by their indexes in the dataset, in the given order. The indexes must be
// valid. Unlike Explain, it does not read the ids of all samples.
func (r *Reader) ExplainAt(ctx context.Context, o *Outcome, indexes []uint32) ([]Explanation, error) {
	return r.explain(ctx, o.Plan, o.Selection, indexes)
}

func (r *Reader) explain(
	ctx context.Context, plan *run.Plan, sel *Selection, positions []uint32,
) ([]Explanation, error) {
	reasons, err := r.reasons(ctx, plan, sel.ID)
	if err != nil {
		return nil, err
	}
	picks, err := r.readPicks(ctx, sel, positions)
	if err != nil {
		return nil, err
	}
	near, err := r.nearTo(ctx, sel)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(positions)) // positions in the order of the dataset, so that each range is read once
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(positions[a], positions[b]) })
	explanations := make([]Explanation, len(positions))
	misses, missesOf := rangeMisses(nil), -1
	for _, i := range order {
		index := int64(positions[i])
		shardRange := plan.RangeOf(index)
		table, err := r.runs.Scores(ctx, plan.Run, shardRange)
		if err != nil {
			return nil, r.runs.Lost(plan.Run, err)
		}
		rec := &table.Records[index-plan.Ranges[shardRange].FirstIndex]
		x := Explanation{
			ID: rec.ID, Index: index, Status: rec.Status, Failure: rec.Reason, FailureCode: rec.Code,
			Rated: ratedOn(table.Capabilities, rec),
		}
		if p, picked := picks.of[index]; picked {
			x.Order, x.Rule, x.Capability, x.Round, x.Bin, x.Rank = p.Order+1, p.Rule, p.Capability, p.Round, p.Bin, p.Rank
		} else {
			x.leave(selection.Reason(reasons.At(int(index))), sel, near)
			if x.Reason == selection.ReasonRank {
				if missesOf != shardRange {
					if misses, err = r.misses(ctx, plan, sel.ID, shardRange); err != nil {
						return nil, err
					}
					missesOf = shardRange
				}
				position := int(index - plan.Ranges[shardRange].FirstIndex)
				if err := misses.check(r, plan, sel.ID, position, len(rec.Styles)); err != nil {
					return nil, err
				}
				bin := func(i int) string { return rec.Styles[i] + "+" + rec.Source }
				if miss, outranked := misses.at(position, sel.Capabilities, bin); outranked {
					x.Nearest = &miss
				}
			}
			x.compare(sel.Parameters.Request.Rules, table.Capabilities, rec, picks)
		}
		explanations[i] = x
	}
	return explanations, nil
}

// leave sets the reason why a sample is not in a selection.
func (x *Explanation) leave(why selection.Reason, sel *Selection, near nearSamples) {
	x.Reason, x.NearTo = why, near.of(x.Index, reason.Code(why))
	if why == selection.ReasonColumn {
		x.Conditions = sel.Parameters.Request.Where
	}
}

// A pickTable has the picks that explanations need.
type pickTable struct {
	of   map[int64]scores.Pick  // picks of the explained samples, by the samples' indexes
	last map[[2]string]lastPick // last picks, by capability and bin
}

// A lastPick is the last sample that a capability picked from a bin, and the number of its picks there.
type lastPick struct {
	id     string
	index  int64
	rating int8
	picked int
}

// readPicks reads the columns of a selection's picks that explain samples.
func (r *Reader) readPicks(ctx context.Context, sel *Selection, samples []uint32) (*pickTable, error) {
	table := &pickTable{of: map[int64]scores.Pick{}, last: map[[2]string]lastPick{}}
	explained := map[int64]bool{}
	for _, s := range samples {
		explained[int64(s)] = true
	}
	return table, r.EachPick(ctx, sel, func(p scores.Pick) {
		if explained[p.Index] {
			table.of[p.Index] = p
		}
		if p.Rating != nil {
			key := [2]string{p.Capability, p.Bin}
			table.last[key] = lastPick{p.ID, p.Index, *p.Rating, table.last[key].picked + 1}
		}
	})
}

// compare sets Misses and Below of a sample that took part in turns and was not picked.
func (x *Explanation) compare(rules selection.Rules, capabilities []string, rec *scores.Record, picks *pickTable) {
	tookPart := slices.Contains([]selection.Reason{
		selection.ReasonUnrated, selection.ReasonThreshold, selection.ReasonRank, selection.ReasonTokens,
		selection.ReasonSourceCap, selection.ReasonStyleCap, selection.ReasonImageCap, selection.ReasonModality,
		selection.ReasonClusterCap, selection.ReasonTemplateCap,
	}, x.Reason)
	if !tookPart || !rules.TakesTurns() || rec.Status != scores.OK {
		return
	}
	for _, capability := range rules.Capabilities {
		c := slices.Index(capabilities, capability)
		rating, threshold := rec.Ratings[c], rules.ThresholdOf(capability)
		if rating == scorer.Missing || int(rating) <= threshold {
			b := Below{Capability: capability, Threshold: threshold}
			if rating != scorer.Missing {
				b.Rating = &rating
			}
			x.Below = append(x.Below, b)
			continue
		}
		for _, style := range rec.Styles {
			m := Miss{Capability: capability, Bin: strings.Join([]string{style, rec.Source}, "+"), Rating: rating}
			if expected := rec.Expected[c]; !math.IsNaN(float64(expected)) {
				m.Expected = &expected
			}
			if last, any := picks.last[[2]string{capability, m.Bin}]; any {
				m.Picked, m.Last = last.picked, &last.rating
			}
			x.Misses = append(x.Misses, m)
		}
	}
	slices.SortStableFunc(x.Misses, func(a, b Miss) int {
		return cmp.Or(cmp.Compare(x.farther(a), x.farther(b)), cmp.Compare(a.Gap(), b.Gap()))
	})
	if x.Nearest != nil && x.Nearest.Last > 0 {
		last := picks.last[[2]string{x.Nearest.Capability, x.Nearest.Bin}]
		x.Taken = &Taken{ID: last.id, Index: last.index}
	}
	slices.SortStableFunc(x.Below, func(a, b Below) int { return cmp.Compare(a.distance(), b.distance()) })
}
