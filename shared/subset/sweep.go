package subset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity/evaluation"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// sweepVariants is the number of seeds, and of perturbations of the ratings, with which a sweep makes each selection.
const sweepVariants = 5

// A SweepRequest requests a comparison of all strategies and thresholds at one budget. It must not name a strategy. The
// sweep has a row for the request's threshold. If the request names a column in By, the sweep also has a row for the
// strategy top by this column.
type SweepRequest struct {
	selection.Request
	// RatingErrors are the standard deviations of the errors of expected scores, 0 to 5, by capability. The empty name is
	// for all other capabilities. If it is empty, ratings are not perturbed.
	RatingErrors map[string]float64 `json:"rating_errors,omitempty"`
}

// A Sweep compares strategies and thresholds at one budget. It describes the selections. It does not measure how well
// models train on them.
type Sweep struct {
	Run      string `json:"run"`
	Budget   int    `json:"budget"` // in samples, or in tokens
	InTokens bool   `json:"in_tokens,omitempty"`
	// RatingErrors are the errors of the request.
	RatingErrors map[string]float64 `json:"rating_errors,omitempty"`
	Rows         []SweepRow         `json:"rows"`
}

// A SweepRow has the figures of one strategy, or of the paper's strategy at one threshold.
type SweepRow struct {
	Strategy  selection.Strategy `json:"strategy"`
	Threshold int                `json:"threshold"`
	By        string             `json:"by,omitempty"` // the column of the strategy
	selection.Figures
	// Seeds has the figures with five seeds, one of which is the request's seed. Perturbed has the figures with five
	// perturbations of the ratings: the perturbed ratings select, and the run's own ratings measure. It is nil without
	// perturbations.
	Seeds     []FigureRange `json:"seeds"`
	Perturbed []FigureRange `json:"perturbed,omitempty"`
}

// A FigureRange is the range of a figure over several selections.
type FigureRange struct {
	// Figure is the name of the figure in JSON. low_picks is the share of picks with a rating of 1 or 0; strategies
	// without turns have no low_picks.
	Figure string  `json:"figure"`
	Mean   float64 `json:"mean"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// Equal has letters. Rows that share a letter have overlapping ranges, so the figure does not distinguish them.
	Equal string `json:"equal"`
}

// Sweep compares strategies and thresholds at the budget of a request. source has the evaluation sets. The error is a
// *run.RefusedError if the request or the run is invalid, and ErrBusy if too many selections are waiting.
func (r *Reader) Sweep(
	ctx context.Context, runID string, request SweepRequest, source evaluation.Source, allowed run.Allowance,
) (*Sweep, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	if err := r.runs.CheckUsable(ctx, plan, allowed); err != nil {
		return nil, err
	}
	asked := request.Request
	if asked.Strategy != "" {
		return nil, &run.RefusedError{Reason: "strategy: a sweep compares all strategies; remove `strategy`"}
	}
	by := asked.By
	asked.Strategy, asked.By = selection.MMSSR, ""
	params, err := plan.Resolve(asked)
	if err == nil {
		err = checkErrors(request.RatingErrors, plan.Rubric.Capabilities)
	}
	if err == nil && len(params.Within) > 0 {
		err = errors.New("within: a sweep has one budget; remove `within`")
	}
	if err != nil {
		return nil, &run.RefusedError{Reason: err.Error()}
	}
	s := &Sweep{
		Run: runID, Budget: params.Budget, InTokens: params.InTokens, RatingErrors: request.RatingErrors,
		Rows: sweepRows(params.Request.Rules, by),
	}
	objects, err := evaluations(ctx, source, request.ExcludeNear)
	if err != nil {
		return nil, err
	}
	err = r.pools.compute(ctx, func() error {
		return r.sweep(ctx, plan, params, s, func(pool *Pool) (contamination, error) {
			return r.compareWith(ctx, source, plan, pool, objects, request.ExcludeImages)
		})
	})
	if _, refused := errors.AsType[*run.RefusedError](err); err != nil && !refused && !errors.Is(err, ErrBusy) {
		return nil, fmt.Errorf("comparing strategies for run %s: %w", runID, err)
	}
	return s, err
}

// checkErrors returns an error for an unknown capability or an invalid rating error.
func checkErrors(ratingErrors map[string]float64, capabilities []string) error {
	for name, v := range ratingErrors {
		if name != "" && !slices.Contains(capabilities, name) {
			return spelling.Names(&selection.UnknownNameError{Field: "rating_errors", Name: name, Known: capabilities})
		}
		if !(v >= 0 && v <= selection.MaxRating) {
			return fmt.Errorf("rating_errors: %v; give 0 to %d", v, selection.MaxRating)
		}
	}
	return nil
}

// sweepRows returns the rows of a sweep, without their figures.
func sweepRows(rules selection.Rules, by string) []SweepRow {
	thresholds := []int{0, 1, 2, 3}
	if !slices.Contains(thresholds, rules.Threshold) {
		thresholds = append(thresholds, rules.Threshold)
		slices.Sort(thresholds)
	}
	var rows []SweepRow
	for _, threshold := range thresholds {
		rows = append(rows, SweepRow{Strategy: selection.MMSSR, Threshold: threshold})
	}
	for _, strategy := range []selection.Strategy{
		selection.Descending, selection.Top, selection.Longest, selection.Stratified, selection.Random,
	} {
		rows = append(rows, SweepRow{Strategy: strategy})
	}
	if by != "" {
		rows = append(rows, SweepRow{Strategy: selection.Top, By: by})
	}
	return rows
}

// rules applies the row to the rules of the request.
func (s SweepRow) rules(asked selection.Rules) selection.Rules {
	asked = asked.AtThreshold(s.Threshold)
	if asked.Strategy = s.Strategy; !asked.TakesTurns() {
		asked.Threshold, asked.Thresholds, asked.Weights, asked.WithinBin = 0, nil, nil, ""
	}
	if asked.By = s.By; !asked.UsesTies() {
		asked.RatingsOnly, asked.TieBreak = false, ""
	}
	return asked
}

// sweep fills the rows of s. compare finds the samples of a pool that are near to evaluation sets.
func (r *Reader) sweep(
	ctx context.Context, plan *run.Plan, params selection.ResolvedRequest, s *Sweep,
	compare func(*Pool) (contamination, error),
) error {
	seeds, perturbed := make([][][]float64, len(s.Rows)), make([][][]float64, len(s.Rows))
	var near contamination
	// The seed of the request comes last, because its pool is then perturbed.
	for i := range sweepVariants {
		request := params
		request.Request.Seed += uint64(sweepVariants - 1 - i)
		columns := request.Request // becomes a request that needs the columns of all rows
		columns.Strategy = selection.Longest
		if last := s.Rows[len(s.Rows)-1]; last.By != "" {
			columns.By = last.By
		}
		pool, err := r.pool(ctx, plan, columns)
		if err != nil {
			return err
		}
		if i == 0 {
			if near, err = compare(pool); err != nil {
				return err
			}
		}
		if err := s.measure(ctx, pool, pool, request, near.dropped, seeds); err != nil {
			return err
		}
		if i < sweepVariants-1 || len(s.RatingErrors) == 0 {
			continue
		}
		for variant := range sweepVariants {
			other, err := pool.perturbed(s.RatingErrors, uint64(variant))
			if err != nil {
				return err
			}
			if err := s.measure(ctx, pool, other, request, near.dropped, perturbed); err != nil {
				return err
			}
		}
	}
	for i := range s.Rows {
		s.Rows[i].Seeds, s.Rows[i].Perturbed = ranges(seeds[i]), ranges(perturbed[i])
	}
	markEqual(s.Rows, func(row *SweepRow) []FigureRange { return row.Seeds })
	markEqual(s.Rows, func(row *SweepRow) []FigureRange { return row.Perturbed })
	return nil
}

// measure makes the selections of all rows from the pool from, and appends their figures, measured with the pool by, to
// values. If both pools are the same, it also sets the Figures of the rows.
func (s *Sweep) measure(
	ctx context.Context, by, from *Pool, request selection.ResolvedRequest, near []uint32, values [][][]float64,
) error {
	asked, err := from.Params(ctx, request)
	if err != nil {
		return refusedName(err)
	}
	asked.Near = near
	for i := range s.Rows {
		params := asked
		params.Rules = s.Rows[i].rules(asked.Rules)
		result, err := from.Select(params)
		if err != nil {
			return &run.RefusedError{Reason: spelling.Names(err).Error()}
		}
		figures := by.Figures(result)
		if by == from {
			s.Rows[i].Figures = figures
		}
		values[i] = append(values[i], sweepValues(figures))
	}
	return nil
}

// sweepFigures has the names of the values that sweepValues returns.
var sweepFigures = [...]string{
	"low_picks", "high_kept", "below_pool", "bins", "sources", "style_entropy", "source_entropy", "tokens", "shortfall",
}

func sweepValues(f selection.Figures) []float64 {
	low := math.NaN()
	if f.PickRatings != nil {
		low = f.PickRatings.Low(f.PickRatings.Total())
	}
	return []float64{
		low, f.HighKept, float64(f.BelowPool), float64(f.Bins), float64(f.Sources),
		f.StyleEntropy, f.SourceEntropy, float64(f.Tokens), float64(f.Shortfall),
	}
}

// ranges returns the range of each figure over several selections.
func ranges(values [][]float64) []FigureRange {
	if len(values) == 0 {
		return nil
	}
	all := make([]FigureRange, 0, len(sweepFigures))
	for f, name := range sweepFigures {
		one := FigureRange{Figure: name, Low: math.Inf(1), High: math.Inf(-1)}
		for _, v := range values {
			one.Mean += v[f] / float64(len(values))
			one.Low, one.High = min(one.Low, v[f]), max(one.High, v[f])
		}
		if !math.IsNaN(one.Mean) { // NaN means that ratings did not determine the picks
			one.Mean = min(max(one.Mean, one.Low), one.High) // rounding may move the mean out of the range
			all = append(all, one)
		}
	}
	return all
}

// markEqual sets Equal in all rows, for each figure.
func markEqual(rows []SweepRow, of func(*SweepRow) []FigureRange) {
	for _, name := range sweepFigures {
		var all []*FigureRange
		for i := range rows {
			ranges := of(&rows[i])
			for f := range ranges {
				if ranges[f].Figure == name {
					all = append(all, &ranges[f])
				}
			}
		}
		letterEqual(all)
	}
}

// letterEqual gives a letter to each maximal group of ranges that all overlap. In such a group, all ranges contain the
// highest of the low ends.
func letterEqual(ranges []*FigureRange) {
	byLow := slices.Clone(ranges)
	slices.SortStableFunc(byLow, func(a, b *FigureRange) int { return cmp.Compare(a.Low, b.Low) })
	letter := 'a'
	for i, first := range byLow {
		if i+1 < len(byLow) && byLow[i+1].Low == first.Low {
			continue
		}
		var group []*FigureRange
		for _, one := range byLow[:i+1] {
			if one.High >= first.Low {
				group = append(group, one)
			}
		}
		next := i+1 < len(byLow) && !slices.ContainsFunc(group, func(one *FigureRange) bool {
			return one.High < byLow[i+1].Low
		})
		if next {
			continue // the next group contains this one
		}
		for _, one := range group {
			one.Equal += string(letter)
		}
		letter++
	}
}

// perturbed returns a copy of the pool with normally distributed errors in the expected scores. ratingErrors has the
// standard deviations. The ratings are the rounded expected scores. Both stay within 0 to 5, and missing ratings stay
// missing.
func (p *Pool) perturbed(ratingErrors map[string]float64, seed uint64) (*Pool, error) {
	const unit, most = 1024, selection.MaxRating * 1024
	pool := *p.Pool
	pool.Ratings, pool.Expected = make([][]int8, len(pool.Capabilities)), make([][]uint16, len(pool.Capabilities))
	rng := rand.New(rand.NewPCG(seed, 3))
	for c, name := range pool.Capabilities {
		deviation, own := ratingErrors[name]
		if !own {
			deviation = ratingErrors[""]
		}
		ratings, expected := slices.Clone(p.Pool.Ratings[c]), make([]uint16, pool.Len())
		for s, rating := range ratings {
			if rating == selection.Missing {
				continue
			}
			score := float64(rating) * unit
			if p.Pool.Expected != nil {
				score = float64(p.Pool.Expected[c][s])
			}
			score = math.Round(min(max(score+float64(rng.NormFloat64()*deviation*unit), 0), most))
			expected[s], ratings[s] = uint16(score), int8(math.Round(score/unit))
		}
		pool.Ratings[c], pool.Expected[c] = ratings, expected
	}
	catalog, err := selection.NewCatalog(&pool)
	return &Pool{Catalog: catalog, Samples: p.Samples, Reach: p.Reach, Numbers: p.Numbers}, err
}
