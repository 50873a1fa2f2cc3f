package training

import (
	"github.com/harvest-ml/harvest/shared/scorer"
	"gonum.org/v1/gonum/mat"
)

// rankShare is the weight of a rating's rank, from 0 to 1, in the target of a capability. Without it, a few high
// ratings would have more effect than the difference between no rating and a low one.
const rankShare = 2

// setTargets sets the values that each head should predict, minus their mean. For a missing rating, the target is the
// mean.
func (d *design) setTargets() {
	heads, capabilities := d.heads(), len(d.rubric.Capabilities)
	d.targets, d.centre = mat.NewDense(len(d.learn), heads, nil), make([]float64, heads)
	for h := range heads {
		target := d.styleTarget(h - capabilities)
		if h < capabilities {
			target = d.ratingTarget(h)
		}
		sum, n := 0.0, 0
		for _, i := range d.learn {
			if v, known := target(&d.samples[i]); known {
				sum, n = sum+v, n+1
			}
		}
		d.centre[h] = sum / float64(max(n, 1))
		for row, i := range d.learn {
			if v, known := target(&d.samples[i]); known {
				d.targets.Set(row, h, v-d.centre[h])
			}
		}
	}
}

func (d *design) ratingTarget(capability int) func(*Sample) (float64, bool) {
	var counts [scorer.MaxRating + 1]float64
	total := 0.0
	for _, i := range d.learn {
		if score := d.samples[i].Scores[capability]; score != scorer.Missing {
			counts[score]++
			total++
		}
	}
	var targets [scorer.MaxRating + 1]float64
	below := 0.0
	for score, n := range counts {
		targets[score] = float64(score) + rankShare*(below+n/2)/max(total, 1)
		below += n
	}
	return func(s *Sample) (float64, bool) {
		score := s.Scores[capability]
		if score == scorer.Missing {
			return 0, false
		}
		return targets[score], true
	}
}

func (d *design) styleTarget(style int) func(*Sample) (float64, bool) {
	return func(s *Sample) (float64, bool) {
		for _, name := range s.Styles {
			if name == d.rubric.Styles[style] {
				return 1, true
			}
		}
		return -1, true
	}
}
