package selection

// largestTemplates is the number of templates that a summary names.
const largestTemplates = 10

// A TemplateShare has the shares, in [0, 1], of the scored samples whose first question has the same template (package
// similarity).
type TemplateShare struct {
	Template  string  `json:"template"`
	Pool      float64 `json:"pool"`
	Selection float64 `json:"selection"`
	// Selected is the number of samples of the selection with the template.
	Selected int `json:"selected"`
}

// leastOver is the smallest number of selected samples of a template for a warning.
const leastOver = 10

// Over reports whether the template's share of the selection is more than 1.5 times its share of the pool.
func (s TemplateShare) Over() bool { return s.Selected >= leastOver && s.Selection > 1.5*s.Pool }

// templateShares returns the shares of the largest templates that at least two scored samples have.
func templateShares(pool *Pool, scored sampleSet, selected []uint32) (shares []TemplateShare) {
	all := countTemplates(pool.Template, scored)
	of := countTemplates(pool.Template, setOf(selected))
	for i, name := range pool.TemplateNames[:min(len(pool.TemplateNames), largestTemplates)] {
		if all[i+1] < 2 {
			break
		}
		shares = append(shares, TemplateShare{
			Template: name, Selected: of[i+1], Pool: float64(all[i+1]) / float64(max(scored.n, 1)),
			Selection: float64(of[i+1]) / float64(max(len(selected), 1)),
		})
	}
	return shares
}

// countTemplates counts the samples of the largest templates, by the template's number.
func countTemplates(of []uint32, samples sampleSet) (counts [largestTemplates + 1]int) {
	if of == nil {
		return counts
	}
	for i := range samples.n {
		if template := of[samples.at(i)]; template <= largestTemplates {
			counts[template]++
		}
	}
	return counts
}
