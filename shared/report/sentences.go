package report

import (
	"fmt"
	"strings"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// sentences returns sentences about the selected samples, their ratings, and unusual facts.
func sentences(o *subset.Outcome, t *tally, status *run.Status) []string {
	return []string{selected(o), onRatings(o), standsOut(o, t, status)}
}

func selected(o *subset.Outcome) string {
	how := fmt.Sprintf("by turns of %s over %s of style and source",
		capabilitiesInWords(len(o.Result.Capabilities)), webpage.Plural(len(o.Result.Bins), "bin"))
	if o.Params.Strategy == selection.Descending {
		how += ", the highest ratings first (the strategy descending, which is experimental)"
	} else if !o.Params.TakesTurns() {
		how = fmt.Sprintf("by the strategy %s", o.Params.Strategy)
	}
	n := len(o.Result.Picks)
	return fmt.Sprintf("Of %s of the dataset %s, %s (%s) were selected %s.", webpage.Plural(o.Pool.Pool.Len(), "sample"),
		webpage.Name(o.Selection.Dataset), webpage.Group(n), webpage.Percent(ratio(n, o.Pool.Pool.Len())), how)
}

func capabilitiesInWords(n int) string {
	if n == 1 {
		return "1 capability"
	}
	return fmt.Sprintf("%d capabilities", n)
}

func onRatings(o *subset.Outcome) string {
	high, turns := 0, 0
	columnOf := columnsByName(o.Pool.Pool)
	for _, pick := range o.Result.Picks {
		if !pick.Rated() {
			continue
		}
		turns++
		if o.Pool.Pool.Ratings[columnOf[o.Result.Capabilities[pick.Capability].Capability]][pick.Sample] >= 3 {
			high++
		}
	}
	mean := func(s selection.Statistics) float64 {
		sum, n := 0.0, 0
		for _, r := range s.Ratings {
			sum, n = sum+r.Mean*float64(r.Rated), n+r.Rated
		}
		return sum / float64(max(n, 1))
	}
	s := o.Selection.Summary
	text := fmt.Sprintf(
		"The mean rating over all capabilities is %.2f in the selection, %.2f in the pool and %.2f in a "+
			"random subset of the same size",
		mean(s.Selection),
		mean(s.Pool),
		mean(s.Random),
	)
	if turns == 0 {
		return text + "."
	}
	return text + fmt.Sprintf("; %s of the picks were made at a rating of 3 or more.", webpage.Percent(ratio(high, turns)))
}

// standsOut returns a sentence with the facts that a reader should check first.
func standsOut(o *subset.Outcome, t *tally, status *run.Status) string {
	var found []string
	if below := o.Selection.Summary.BelowPool; len(below) > 0 {
		found = append(found, "below the pool on "+listed(below))
	}
	for i, s := range t.sources {
		of, in := ratio(s.pool, o.Selection.Summary.Pool.Samples), ratio(s.picked, len(o.Result.Picks))
		if s.others == 0 && in > 0.25 && in > of+0.05 {
			found = append(found, fmt.Sprintf("source %s has %s of the selection and %s of the pool",
				t.sourceNames()[i], webpage.Percent(in), webpage.Percent(of)))
		}
	}
	if n := status.Samples.Failed + status.Samples.Skipped; n > 0 {
		found = append(found, fmt.Sprintf("%s (%s) failed or were skipped", webpage.Plural(int(n), "sample"),
			webpage.Percent(ratio(int(n), int(status.Samples.In)))))
	}
	if short := o.Selection.Shortfall; short > 0 {
		found = append(found, fmt.Sprintf("%s of the budget could not be used", webpage.Group(short)))
	}
	if len(found) == 0 {
		return "Nothing stands out: no capability is below the pool, no source dominates, and no sample failed."
	}
	return "What stands out: " + strings.Join(found, "; ") + "."
}
