package selection

// Figures are numbers for comparing selections of one pool. They do not measure the quality of training.
type Figures struct {
	Selected int `json:"selected"` // number of samples
	// Shortfall is the part of the budget that could not be filled, in samples or tokens.
	Shortfall int `json:"shortfall"`
	// PickRatings and HighKept are those of Summary. BelowPool is the length of Summary's list.
	PickRatings *PickRatings `json:"pick_ratings,omitempty"`
	HighKept    float64      `json:"high_kept"`
	BelowPool   int          `json:"below_pool"`
	// The other fields are those of Statistics.
	Sources       int     `json:"sources"`
	Bins          int     `json:"bins"`
	StyleEntropy  float64 `json:"style_entropy"`
	SourceEntropy float64 `json:"source_entropy"`
	Tokens        int     `json:"tokens"`
}

// Figures returns the figures of a selection of the catalog's pool.
func (c *Catalog) Figures(result *Result) Figures {
	pool, selected := c.describePool(), describe(c.Pool, c.groups(nil), setOf(result.Samples()))
	return Figures{
		Selected: selected.Samples, Shortfall: result.Shortfall(), PickRatings: pickRatings(c.Pool, result),
		HighKept: highKept(&pool, &selected), BelowPool: len(belowPool(&pool, &selected)),
		Sources: selected.Sources, Bins: selected.Bins, StyleEntropy: selected.StyleEntropy,
		SourceEntropy: selected.SourceEntropy, Tokens: selected.Tokens,
	}
}

// PickRatings are the numbers of picks by rating, 0 to 5.
type PickRatings [6]int

// Low returns the share of picks, in [0, 1], that have a rating of 1 or 0.
func (r *PickRatings) Low(picks int) float64 {
	if r == nil {
		return 0
	}
	return float64(r[0]+r[1]) / float64(max(picks, 1))
}

// Total returns the number of picks that a rating decided. Other picks were must-includes, or belong to the selection
// of a smaller budget.
func (r *PickRatings) Total() (n int) {
	if r != nil {
		for _, picks := range r {
			n += picks
		}
	}
	return n
}

// PickRatings returns the ratings of the picks that a rating decided, in a selection of the catalog's pool; nil if
// there are no such picks.
func (c *Catalog) PickRatings(result *Result) *PickRatings { return pickRatings(c.Pool, result) }

// pickRatings returns the ratings of the picks that a rating decided; nil if there are no such picks.
func pickRatings(pool *Pool, result *Result) *PickRatings {
	var ratings *PickRatings
	columns := make([][]int8, len(result.Capabilities))
	for i, c := range result.Capabilities {
		columns[i] = pool.Ratings[pool.column(c.Capability)]
	}
	for _, pick := range result.Picks {
		if !pick.Rated() {
			continue
		}
		if ratings == nil {
			ratings = new(PickRatings)
		}
		if rating := columns[pick.Capability][pick.Sample]; rating >= 0 && int(rating) < len(ratings) {
			ratings[rating]++
		}
	}
	return ratings
}

// high returns the number of ratings of 4 and 5.
func (s *Statistics) high() (n int) {
	for _, r := range s.Ratings {
		n += r.Counts[4] + r.Counts[5]
	}
	return n
}

func highKept(pool, selected *Statistics) float64 {
	return float64(selected.high()) / float64(max(pool.high(), 1))
}

// belowPool returns the capabilities whose mean rating is lower among the selected samples.
func belowPool(pool, selected *Statistics) (names []string) {
	for c, r := range pool.Ratings {
		if selected.Ratings[c].Mean < r.Mean {
			names = append(names, r.Capability)
		}
	}
	return names
}
