package selection

// A Reason is the code of the reason why a sample is not in a selection. Package reason has the table of all codes.
type Reason string

// The reasons.
const (
	ReasonStyle     Reason = "filtered_by_style"
	ReasonSource    Reason = "filtered_by_source"
	ReasonColumn    Reason = "filtered_by_condition"
	ReasonDuplicate Reason = "duplicate"
	ReasonExclude   Reason = "excluded"
	ReasonNoStyle   Reason = "no_known_style"
	ReasonUnrated   Reason = "no_rating"
	ReasonThreshold Reason = "below_threshold"
	ReasonSourceCap Reason = "source_cap"
	ReasonStyleCap  Reason = "style_cap"
	ReasonImageCap  Reason = "image_cap"
	ReasonModality  Reason = "modality_cap"
	// The cluster of near duplicates, or the template, of the sample is at its cap.
	ReasonClusterCap  Reason = "cluster_cap"
	ReasonTemplateCap Reason = "template_cap"
	// ReasonNear: the sample is near an item of an evaluation set.
	ReasonNear   Reason = "near_evaluation"
	ReasonTokens Reason = "too_many_tokens"
	ReasonRank   Reason = "outranked" // the budget was filled with other samples
)

// reasonCodes are all reasons. A ReasonList stores the index of a reason in this list.
var reasonCodes = [...]Reason{
	"", ReasonStyle, ReasonSource, ReasonDuplicate, ReasonExclude, ReasonNoStyle, ReasonUnrated, ReasonThreshold,
	ReasonSourceCap, ReasonStyleCap, ReasonImageCap, ReasonTokens, ReasonRank, ReasonColumn, ReasonModality,
	ReasonClusterCap, ReasonTemplateCap, ReasonNear,
}

// A ReasonList has the reason of each sample of a pool, in one byte a sample.
type ReasonList struct{ codes []uint8 }

// Len returns the number of samples.
func (l ReasonList) Len() int { return len(l.codes) }

// At returns the reason for sample i; "" if the sample was picked.
func (l ReasonList) At(i int) Reason { return reasonCodes[l.codes[i]] }

// Reasons returns, for each sample in the pool's order, the reason why it is not among a result's picks. The time is
// linear in the numbers of samples and capabilities.
func (c *Catalog) Reasons(params Params, result *Result) ReasonList {
	pool := c.Pool
	var byteOf = map[Reason]uint8{}
	for i, reason := range reasonCodes {
		byteOf[reason] = uint8(i)
	}
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
	reason := func(s uint32) Reason {
		if reason := eligibility.reason(s); reason != "" {
			return reason
		}
		switch {
		case len(pool.styles(s)) == 0:
			return ReasonNoStyle
		case !rated.has(s):
			return ReasonUnrated
		case params.TakesTurns() && !above.has(s):
			return ReasonThreshold
		}
		if counter := counters.exceeded(s); counter != nil {
			return counter.reason
		} else if tooLong.has(s) {
			return ReasonTokens
		}
		return ReasonRank
	}
	list := ReasonList{make([]uint8, pool.Len())}
	for i := range list.codes {
		if !picked.has(uint32(i)) {
			list.codes[i] = byteOf[reason(uint32(i))]
		}
	}
	return list
}

// tooLong returns the samples of TooLong as a set.
func (r *Result) tooLong(pool *Pool) bitset {
	marks := newBitset(pool.Len())
	for _, s := range r.TooLong {
		marks.set(s)
	}
	return marks
}

// above returns the set of samples whose rating exceeds the threshold of at least one of the selection's capabilities.
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
