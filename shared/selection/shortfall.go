package selection

// A Shortfall reports a part of the budget that could not be filled, in units of the budget.
//
// For a capability without a bin, Asked is its amount in the first round, and Given the amount of all its picks. For a
// capability and a bin, Asked is the bin's share of that amount, without debt, and Given the amount of the bin's picks
// in the first round. For a source or a style alone, Asked is its minimum, and Given its number of samples. A row
// without a capability, bin, source and style belongs to a strategy other than MMSSR. Other bins and capabilities may
// have given more: Result reports whether the budget was filled.
type Shortfall struct {
	Capability string `json:"capability,omitempty"`
	Bin        string `json:"bin,omitempty"`
	Source     string `json:"source,omitempty"`
	Style      string `json:"style,omitempty"`
	Asked      int    `json:"asked"`
	Given      int    `json:"given"`
	Cause      Cause  `json:"why"`
}

// A Cause is the reason of a shortfall. If several causes apply, it is the first in the list of causes.
type Cause string

// The causes of shortfalls.
const (
	CauseBudget  Cause = "the budget was spent first"
	CauseRemoved Cause = "candidates left at a cap, or had more tokens than remained"
	CauseTaken   Cause = "candidates were picked from other bins or at other turns"
	CauseNone    Cause = "there are no candidates: no sample with a known style is rated above the threshold"
	CauseFew     Cause = "all candidates were picked"
)

// A shortBin is a bin that gave less than its share in the first round.
type shortBin struct {
	bin          uint32
	asked, given int
	picked       int  // number of samples
	spent        bool // whether the budget was spent
}

// shortfalls returns the shortfalls of the minimums, and then the shortfalls of each capability and its bins, in the
// order in which the capability picked from the bins.
func (s *selector) shortfalls() []Shortfall {
	rows := s.minimumShortfalls
	if s.params.Strategy != "" && s.params.Strategy != MMSSR {
		if s.spent < s.params.Budget {
			all := s.pool.Len()
			rows = append(rows,
				Shortfall{Asked: s.params.Budget, Given: s.spent, Cause: cause(false, len(s.dropped), all, all)})
		}
		return rows
	}
	for _, c := range s.capabilities {
		if c.given < c.asked || len(c.shortBins) > 0 {
			rows = append(rows, s.capabilityShortfalls(c)...)
		}
	}
	return rows
}

// capabilityShortfalls returns the shortfalls of a capability and of its bins.
func (s *selector) capabilityShortfalls(c *capability) (rows []Shortfall) {
	dropped, droppedOf := 0, make([]int, len(s.groups.binNames))
	for _, sample := range s.dropped {
		if group := s.groups.of[sample]; group != 0 && c.candidates.has(sample) {
			dropped++
			for _, bin := range s.groups.bins(group) {
				droppedOf[bin]++
			}
		}
	}
	if c.given < c.asked {
		rows = append(rows, Shortfall{
			Capability: c.result.Capability, Asked: c.asked, Given: c.given,
			Cause: cause(s.spent == s.params.Budget, dropped, c.result.Candidates, c.result.Picked),
		})
	}
	for _, short := range c.shortBins {
		rows = append(rows, Shortfall{
			Capability: c.result.Capability, Bin: s.groups.binNames[short.bin], Asked: short.asked, Given: short.given,
			Cause: cause(short.spent, droppedOf[short.bin], int(c.initially[short.bin]), short.picked),
		})
	}
	return rows
}

func cause(spent bool, dropped, candidates, picked int) Cause {
	switch {
	case spent:
		return CauseBudget
	case dropped > 0:
		return CauseRemoved
	case picked < candidates:
		return CauseTaken
	case candidates == 0:
		return CauseNone
	}
	return CauseFew
}
