package selection

// largestTemplates is how many templates a summary names.
const largestTemplates = 10

// A TemplateShare is the share of samples, in [0, 1], whose first question is of one template (package similarity).
type TemplateShare struct {
	Template  string  `json:"template"`
	Pool      float64 `json:"pool"`
	Selection float64 `json:"selection"`
	// Selected is how many samples of the selection it is.
	Selected int `json:"selected"`
}

// leastOver is how many selected samples of a template are worth a warning.
const leastOver = 10

// Over says whether the selection has more than half as much again of the template as the pool.
func (s TemplateShare) Over() bool { return s.Selected >= leastOver && s.Selection > 1.5*s.Pool }

// templateShares are the shares of the largest templates that more than one sample of a pool has.
func templateShares(pool *Pool, selected []uint32) (shares []TemplateShare) {
	all := countTemplates(pool.Template, sampleSet{n: pool.Len()})
	of := countTemplates(pool.Template, setOf(selected))
	for i, name := range pool.TemplateNames[:min(len(pool.TemplateNames), largestTemplates)] {
		if all[i+1] < 2 {
			break
		}
		shares = append(shares, TemplateShare{
			Template: name, Selected: of[i+1], Pool: float64(all[i+1]) / float64(max(pool.Len(), 1)),
			Selection: float64(of[i+1]) / float64(max(len(selected), 1)),
		})
	}
	return shares
}

// countTemplates counts the samples of the largest templates, by their numbers.
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
