package subset

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Nothing explains a result without picks.
type Nothing struct {
	Pool   *Pool // a sample without a status counts as scored
	Params selection.Params
	Result *selection.Result
	Name   func(position int) string // describes a sample for messages
	// Unrated and Unstyled are the advice for samples without a rating, and without a style.
	Unrated, Unstyled string
}

// Problem returns a text about the reason why nothing was picked: the most frequent reason, an example, and the fix. A
// fix that changes a field of the request begins with the field, such as "threshold: ".
func (n Nothing) Problem() string {
	counts, first := map[selection.Reason]int{}, map[selection.Reason]int{}
	var order []selection.Reason
	reasons := n.Pool.Reasons(n.Params, n.Result)
	for i := range reasons.Len() {
		why := reasons.At(i)
		if len(n.Pool.Status) > 0 && n.Pool.Status[i] != scores.OK {
			continue // no other request can select a sample that was not scored
		}
		if counts[why]++; counts[why] == 1 {
			order, first[why] = append(order, why), i
		}
	}
	if len(order) == 0 || !n.Rated() {
		return "no sample can be selected: " + n.withoutRatings()
	}
	most := slices.MaxFunc(order, func(a, b selection.Reason) int { return counts[a] - counts[b] })
	code := reason.Code(most)
	return fmt.Sprintf("no sample can be selected: the most frequent reason is %q (%d of %d %s, such as %s); %s",
		code.Text(code.Meaning()), counts[most], n.Pool.Pool.Len(), spelling.Plural(n.Pool.Pool.Len(), "sample"),
		spelling.Shown(n.Name(first[most])), n.fix(most))
}

// Rated reports whether any sample has a rating for a capability of the selection.
func (n Nothing) Rated() bool { return slices.ContainsFunc(n.capabilities(), n.ratedFor) }

func (n Nothing) capabilities() []string {
	if len(n.Params.Capabilities) > 0 {
		return n.Params.Capabilities
	}
	return n.Pool.Pool.Capabilities
}

func (n Nothing) ratedFor(capability string) bool {
	column := n.Pool.Pool.Ratings[slices.Index(n.Pool.Pool.Capabilities, capability)]
	return slices.ContainsFunc(column, func(r int8) bool { return r != selection.Missing })
}

// withoutRatings returns the advice if no sample has a rating for the selection's capabilities.
func (n Nothing) withoutRatings() string {
	var others []string
	for _, name := range n.Pool.Pool.Capabilities {
		if n.ratedFor(name) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		return fmt.Sprintf("no sample has a rating for %s; capabilities: give %q, for which samples have ratings",
			n.capabilities()[0], strings.Join(others, ","))
	}
	text := fmt.Sprintf("none of the samples (%d) has a rating", n.Pool.Pool.Len())
	failed := 0
	for _, status := range n.Pool.Status {
		if status != scores.OK {
			failed++
		}
	}
	if failed > 0 {
		text += fmt.Sprintf(" (%d were not scored)", failed)
	}
	return text + "; " + n.Unrated
}

// fix returns a change of the request that allows to select samples that have this reason.
func (n Nothing) fix(why selection.Reason) string {
	switch why {
	case selection.ReasonThreshold:
		return n.threshold()
	case selection.ReasonNoStyle:
		return n.Unstyled
	case selection.ReasonUnrated:
		return n.Unrated
	case selection.ReasonStyle:
		return "styles: keep more styles, or drop fewer"
	case selection.ReasonSource:
		return "sources: keep more sources, or drop fewer"
	case selection.ReasonExclude:
		return "exclude: name fewer ids"
	case selection.ReasonSourceCap:
		return "caps: source: give a larger cap"
	case selection.ReasonStyleCap:
		return "caps: style: give a larger cap"
	case selection.ReasonColumn:
		return "where: relax the conditions, or give numbers for more samples"
	case selection.ReasonModality:
		return "caps: modality: give a larger cap"
	case selection.ReasonImageCap:
		return "caps: image: give a larger cap"
	case selection.ReasonClusterCap:
		return "caps: cluster: give a larger cap"
	case selection.ReasonTemplateCap:
		return "caps: template: give a larger cap"
	case selection.ReasonNear:
		return "exclude_near: name other evaluation sets, or remove exclude_images"
	default:
		return "budget: give a larger budget"
	}
}

// threshold returns the advice to lower a threshold, with a value at which a sample can be selected.
func (n Nothing) threshold() string {
	best, highest, every := "", selection.Missing, true
	for _, name := range n.capabilities() {
		for s, rating := range n.Pool.Pool.Ratings[slices.Index(n.Pool.Pool.Capabilities, name)] {
			if rating == selection.Missing || n.Pool.Pool.StyleStart[s] == n.Pool.Pool.StyleStart[s+1] {
				continue
			}
			every = every && (highest == selection.Missing || int(rating) == highest)
			if int(rating) > highest {
				best, highest = name, int(rating)
			}
		}
	}
	what := "the highest rating of a sample with a style is"
	if every {
		what = "every rating is"
	}
	threshold, own := n.Params.Thresholds[best]
	if !own {
		threshold = n.Params.Threshold
	}
	field, give := "threshold", strconv.Itoa(highest-1)
	if own || highest < 0 {
		field, give = "thresholds", fmt.Sprintf("%q", fmt.Sprintf("%s=%d", best, highest-1))
	}
	return fmt.Sprintf("%s: %s %d, but a rating must exceed the threshold, which is %d; give %s",
		field, what, highest, threshold, give)
}

// sampleName returns a function that describes the sample at a position of a run's pool, by its id and its place, or
// only by its place if the id cannot be read.
func sampleName(ctx context.Context, plan *run.Plan, samples Samples) func(int) string {
	return func(i int) string {
		name := "one"
		if id, err := samples.ID(ctx, i); err == nil {
			name = "sample " + id
		}
		r := plan.RangeOf(int64(i))
		return fmt.Sprintf("%s, %s: element %d",
			name, plan.Manifests[plan.Ranges[r].Manifest].Base(), plan.Element(int64(i)))
	}
}
