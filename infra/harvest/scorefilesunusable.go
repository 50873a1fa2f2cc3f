package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/reference"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An unusableError says why nothing can be selected from scores, and what to do.
type unusableError struct{ error }

// usable fails if a selection picked nothing, or if no sample of its pool has a rating.
func usable(pool *selection.Pool, params selection.Params, res *fileResult) error {
	turns := capabilityTurns(pool, params)
	rated := slices.ContainsFunc(turns, func(t turn) bool { return t.rated(pool) })
	switch {
	case !rated:
		return unusableError{fmt.Errorf("nothing can be selected: %s", unrated(pool, turns, res))}
	case res.Selected == 0:
		return unusableError{fmt.Errorf("nothing can be selected: %s", unpicked(pool, params, turns, res))}
	}
	return nil
}

// A turn is a capability of a selection.
type turn struct {
	name      string
	column    int // of the pool
	threshold int
}

func capabilityTurns(pool *selection.Pool, params selection.Params) []turn {
	names := params.Capabilities
	if len(names) == 0 {
		names = pool.Capabilities
	}
	turns := make([]turn, len(names))
	for i, name := range names {
		threshold, own := params.Thresholds[name]
		if !own {
			threshold = params.Threshold
		}
		turns[i] = turn{name: name, column: slices.Index(pool.Capabilities, name), threshold: threshold}
	}
	return turns
}

// rated says whether a sample has a rating for the capability.
func (t turn) rated(pool *selection.Pool) bool {
	return slices.ContainsFunc(pool.Ratings[t.column], func(r int16) bool { return r != selection.Missing })
}

// highest is the highest rating that a sample with a style has, or selection.Missing.
func (t turn) highest(pool *selection.Pool) int {
	highest := int16(selection.Missing)
	for s, rating := range pool.Ratings[t.column] {
		if pool.StyleStart[s] < pool.StyleStart[s+1] {
			highest = max(highest, rating)
		}
	}
	return int(highest)
}

// unrated says why no sample has a rating.
func unrated(pool *selection.Pool, turns []turn, res *fileResult) string {
	var others []string
	for c, name := range pool.Capabilities {
		if (turn{column: c}).rated(pool) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		return fmt.Sprintf("no sample has a rating for %s; give --capabilities %q, which samples have ratings for",
			turns[0].name, strings.Join(others, ","))
	}
	if res.fromRun {
		return fmt.Sprintf("none of the %d samples has a rating (%d failed, %d were skipped); "+
			"`harvest retry RUN` tries the failed samples of a run again",
			res.Samples.In, res.Samples.Failed, res.Samples.Skipped)
	}
	for _, found := range res.Warnings {
		if found.Kind == reference.NotANumber {
			return fmt.Sprintf("no answer in the score files is a number (%s, line %d: %s); "+
				`write whole numbers such as "4" as pred_response, then give the same command`,
				found.File, found.Line, found.Answer)
		}
	}
	return "the score files of the capabilities hold no answer; score the samples, then give the same command"
}

// unpicked says why no sample was picked of a pool that has ratings.
func unpicked(pool *selection.Pool, params selection.Params, turns []turn, res *fileResult) string {
	best, bestRating, above := turns[0], selection.Missing, false
	for _, t := range turns {
		rating := t.highest(pool)
		if rating > bestRating {
			best, bestRating = t, rating
		}
		above = above || rating > t.threshold
	}
	switch {
	case len(pool.Style) == 0 && res.fromRun:
		return "no sample has a style, and bins are made of styles; score the samples with a scorer that knows styles"
	case len(pool.Style) == 0:
		return "no sample has a style, and bins are made of styles; write the styler's answers to style.jsonl, " +
			"then give the same command"
	case bestRating == selection.Missing:
		return "no sample has both a rating and a style; score the same samples with scorer and styler"
	case !above && cmp.Or(params.Strategy, selection.MMSSR) == selection.MMSSR:
		return belowThreshold(pool, params, best, bestRating)
	}
	return "filters, excluded samples or caps keep out every sample that has a style and a rating above its threshold; " +
		"loosen them"
}

// belowThreshold names the threshold that would select. The rating is the highest, that of the turn.
func belowThreshold(pool *selection.Pool, params selection.Params, best turn, rating int) string {
	what := "every rating is"
	if slices.ContainsFunc(pool.Ratings, func(column []int16) bool {
		return slices.ContainsFunc(column, func(r int16) bool { return r != selection.Missing && int(r) != rating })
	}) {
		what = "the highest rating of a sample with a style is"
	}
	flag := fmt.Sprintf("--threshold %d", rating-1)
	if _, own := params.Thresholds[best.name]; own || rating < 0 {
		flag = fmt.Sprintf(`--thresholds "%s=%d"`, best.name, rating-1)
	}
	return fmt.Sprintf("%s %d, and a rating must exceed the threshold, which is %d; give %s",
		what, rating, best.threshold, flag)
}
