package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// Prices are US dollars for a million samples by kind of scorer, as embedded=1,gpu=195.
type Prices map[string]float64

// UnmarshalText reads pairs of a kind and its price, such as embedded=1,gpu=195. The text may be empty.
func (p *Prices) UnmarshalText(text []byte) error {
	var prices Prices
	for pair := range strings.SplitSeq(string(text), ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		kind, price, ok := strings.Cut(pair, "=")
		const form = "give kinds of scorers and US dollars for a million samples, as embedded=1,gpu=195"
		if !ok || kind == "" || price == "" {
			return fmt.Errorf("%q: %s", pair, form)
		}
		dollars, err := scorer.ParseDollars(price)
		if err != nil {
			return fmt.Errorf("%q: %w; %s", pair, err, form)
		}
		if _, twice := prices[kind]; twice {
			return fmt.Errorf("%q: scorer %s has a price already", pair, kind)
		}
		if prices == nil {
			prices = Prices{}
		}
		prices[kind] = dollars
	}
	*p = prices
	return nil
}

// String returns the text that UnmarshalText reads, sorted by kind.
func (p Prices) String() string {
	var pairs []string
	for kind, dollars := range p {
		pairs = append(pairs, fmt.Sprintf("%s=%g", kind, dollars))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// price sets the estimated cost of the plan's run, and whether it needs approval. A scorer that is paid by request
// estimates its own cost, if it knows its prices. If there is a limit, a run without a price is refused.
func (p *Plan) price(limits Limits, rater scorer.Scorer) error {
	perMillion, priced := limits.CostPerMillion[p.Scorer]
	p.EstimatedCost = float64(p.Samples) / 1e6 * perMillion
	if paid, ok := rater.(scorer.Paid); ok {
		if dollars := paid.Estimate(p.load()).Dollars; dollars != nil {
			p.EstimatedCost, priced = *dollars, true
		}
	}
	if limits.MaxRunCost > 0 && !priced {
		return &RefusedError{Reason: fmt.Sprintf("scorer %q has no price, but a run may cost at most $%g (MAX_RUN_COST): "+
			"add %s=DOLLARS (for a million samples) to COST_PER_MILLION, which is %q now",
			p.Scorer, limits.MaxRunCost, p.Scorer, limits.CostPerMillion)}
	}
	p.NeedsApproval = limits.MaxRunCost > 0 && p.EstimatedCost > limits.MaxRunCost
	return nil
}
