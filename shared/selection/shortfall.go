package selection

// A Shortfall tells what could not be given, in units of the budget.
//
// For a capability without a bin, what was asked is its part of the first round, and what it gave
// all that it picked. For a capability and a bin, they are the bin's share of that part, without
// debt, and what the bin gave in the first round. For a source, they are its minimum and its samples.
// A row with none of these is that of a strategy without turns. Others may have made up for what was
// not given: Result tells whether the budget was met.
type Shortfall struct {
	Capability string `json:"capability,omitempty"`
	Bin        string `json:"bin,omitempty"`
	Source     string `json:"source,omitempty"`
	Asked      int    `json:"asked"`
	Given      int    `json:"given"`
	Why        Why    `json:"why"`
}

// A Why is the cause of a shortfall; where several apply it is the first of the list.
type Why string

// The causes of shortfalls.
const (
	WhyBudget Why = "the budget was spent first"
	WhyLeft   Why = "candidates left at a cap, or had more tokens than remained"
	WhyTaken  Why = "candidates were picked from other bins or at other turns"
	WhyNone   Why = "there are no candidates: no sample with a known style is rated above the threshold"
	WhyFew    Why = "all candidates were picked"
)

// A dry bin gave less than its share in the first round.
type dryBin struct {
	bin          uint32
	asked, given int
	picked       int // samples
	spent        bool
}

// shortfalls are those of the minimums, then of each capability and its bins in the order in which
// these were asked.
func (s *selector) shortfalls() []Shortfall {
	rows := s.short
	for _, t := range s.turns {
		if t.given >= t.asked && len(t.dry) == 0 {
			continue
		}
		left, leftOf := 0, make([]int, len(s.cells.binNames))
		for _, sample := range s.left {
			if cell := s.cells.of[sample]; cell != 0 && t.candidates.has(sample) {
				left++
				for _, bin := range s.cells.bins(cell) {
					leftOf[bin]++
				}
			}
		}
		if t.given < t.asked {
			rows = append(rows, Shortfall{
				Capability: t.result.Capability, Asked: t.asked, Given: t.given,
				Why: why(s.spent == s.params.Budget, left, t.result.Candidates, t.result.Picked),
			})
		}
		for _, dry := range t.dry {
			rows = append(rows, Shortfall{
				Capability: t.result.Capability, Bin: s.cells.binNames[dry.bin], Asked: dry.asked, Given: dry.given,
				Why: why(dry.spent, leftOf[dry.bin], int(t.held[dry.bin]), dry.picked),
			})
		}
	}
	if len(s.turns) == 0 && s.spent < s.params.Budget {
		all := s.pool.Len()
		rows = append(rows, Shortfall{Asked: s.params.Budget, Given: s.spent, Why: why(false, len(s.left), all, all)})
	}
	return rows
}

func why(spent bool, left, candidates, picked int) Why {
	switch {
	case spent:
		return WhyBudget
	case left > 0:
		return WhyLeft
	case picked < candidates:
		return WhyTaken
	case candidates == 0:
		return WhyNone
	}
	return WhyFew
}
