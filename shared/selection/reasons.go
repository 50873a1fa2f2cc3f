package selection

// A Reason is the code of what kept a sample out of a selection. The table of all codes is package reason's.
type Reason string

// The reasons.
const (
	ReasonStyle     Reason = "filtered_by_style"
	ReasonSource    Reason = "filtered_by_source"
	ReasonDuplicate Reason = "duplicate"
	ReasonExclude   Reason = "excluded"
	ReasonNoStyle   Reason = "no_known_style"
	ReasonUnrated   Reason = "no_rating"
	ReasonThreshold Reason = "below_threshold"
	ReasonSourceCap Reason = "source_cap"
	ReasonStyleCap  Reason = "style_cap"
	ReasonImageCap  Reason = "image_cap"
	ReasonTokens    Reason = "too_many_tokens"
	ReasonRank      Reason = "outranked" // other samples took the budget first
)

// Reasons say why each sample of the pool is not among a result's picks, in the pool's order; ""
// for a picked one. They are those of Explain, found for all samples together: time is linear in
// the samples and capabilities.
func Reasons(pool *Pool, params Params, result *Result) []Reason {
	picked := newBitset(pool.Len())
	for _, pick := range result.Picks {
		picked.set(pick.Sample)
	}
	eligibility, counters := newEligibility(pool, params), newCapCounters(pool, params)
	for _, pick := range result.Picks {
		counters.charge(pick.Sample, func(*capCounter, uint32) {})
	}
	rated := params.rated(pool)
	above := params.above(pool)
	tooLong := result.tooLong(pool)
	reasons := make([]Reason, pool.Len())
	for i := range reasons {
		s := uint32(i)
		if picked.has(s) {
			continue
		}
		if reasons[i] = eligibility.reason(s); reasons[i] != "" {
			continue
		}
		switch {
		case len(pool.styles(s)) == 0:
			reasons[i] = ReasonNoStyle
		case !rated.has(s):
			reasons[i] = ReasonUnrated
		case params.takesTurns() && !above.has(s):
			reasons[i] = ReasonThreshold
		default:
			reasons[i] = ReasonRank
			if counter := counters.exceeded(s); counter != nil {
				reasons[i] = counter.reason
			} else if tooLong.has(s) {
				reasons[i] = ReasonTokens
			}
		}
	}
	return reasons
}

// tooLong marks the samples of TooLong.
func (r *Result) tooLong(pool *Pool) bitset {
	marks := newBitset(pool.Len())
	for _, s := range r.TooLong {
		marks.set(s)
	}
	return marks
}

// above marks the samples that exceed the threshold of one of the selection's capabilities.
func (p Params) above(pool *Pool) bitset {
	above := newBitset(pool.Len())
	columns := make(map[string][]int8, len(pool.Capabilities))
	for c, name := range pool.Capabilities {
		columns[name] = pool.Ratings[c]
	}
	for _, name := range p.capabilities(pool) {
		threshold := p.threshold(name)
		for s, rating := range columns[name] {
			if int32(rating) > threshold {
				above.set(uint32(s))
			}
		}
	}
	return above
}
