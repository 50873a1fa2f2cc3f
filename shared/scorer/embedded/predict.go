package embedded

import (
	"cmp"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Predictor gives the values of heads by weights.
type Predictor struct {
	weights    *Weights
	prototypes prototypes
}

// NewPredictor expects weights that DecodeWeights read, or that Encode takes.
func NewPredictor(w *Weights) *Predictor {
	return &Predictor{weights: w, prototypes: newPrototypes(w.Prototypes, w.PrototypeCount)}
}

// Predict gives the value of each head for a sample. Sums run in a fixed order over products that are rounded each, so
// that every machine gives the same bits.
func (p *Predictor) Predict(f *Features) []float64 {
	values, _ := p.locate(f)
	return values
}

// locate is Predict, with the distance to the nearest prototype; 0 without any.
func (p *Predictor) locate(f *Features) (values []float64, distance int) {
	w := p.weights
	heads := w.Heads()
	values = make([]float64, heads)
	for h, b := range w.Bias {
		values[h] = float64(b)
	}
	for i, v := range f.Dense {
		x := w.Standard(i, v)
		for h, weight := range w.Dense[i*heads : (i+1)*heads] {
			values[h] += float64(x * float64(weight))
		}
	}
	likenesses, nearest := p.prototypes.likenesses(w.Position(f))
	for i, likeness := range likenesses {
		for h, weight := range w.Likenesses[i*heads : (i+1)*heads] {
			values[h] += float64(likeness * float64(weight))
		}
	}
	w.addGrams(f, values)
	if len(likenesses) > 0 {
		distance = distanceAt(nearest, p.prototypes.features)
	}
	return values, distance
}

// addGrams adds what the n-grams of a sample say to the values of the heads.
func (w *Weights) addGrams(f *Features, values []float64) {
	heads := w.Heads()
	sums := make([]int64, heads)
	for _, grams := range f.Grams {
		if len(grams) == 0 {
			continue
		}
		clear(sums)
		for _, gram := range grams {
			row := w.Grams[int(gram.Bucket)*heads:][:heads]
			for h, weight := range row {
				sums[h] += int64(weight) * int64(gram.Weight)
			}
		}
		norm := grams.Norm()
		for h, sum := range sums {
			values[h] += float64(float64(sum) / norm * float64(w.GramUnits[h]))
		}
	}
}

// Standard is a dense feature in the form that its weights are for.
func (h *Header) Standard(feature int, value float64) float64 {
	x := float64(value-float64(h.Mean[feature])) * float64(h.Scale[feature])
	return min(Clip, max(-Clip, x))
}

// Expected is the expected score of a capability from its head's value: 0 below the first cut, where a sample is
// rated 0; from there on it rises through k - 1/2 at the k-th cut. So it rounds to the rating. It is a whole number of
// units.
func (h *Header) Expected(capability int, value float64) float64 {
	cuts := h.Cuts[capability]
	rating := 0
	for rating < len(cuts) && value >= float64(cuts[rating]) {
		rating++
	}
	if rating == 0 {
		return 0
	}
	low, high := float64(cuts[rating-1]), float64(cuts[len(cuts)-1])+1
	if rating < len(cuts) {
		high = float64(cuts[rating])
	}
	share := (value - low) / (high - low)
	if rating == len(cuts) {
		share = min(1, share) / 2
	}
	expected := float64(rating) - 0.5 + share
	// Rounding must not raise a sample to the next rating.
	const half = scorer.ExpectedUnits / 2
	return scorer.FromUnits(min(scorer.Units(expected), uint16(rating)*scorer.ExpectedUnits+half-1))
}

// result turns a sample's values into its ratings and styles, of all that the weights know.
func (s *Scorer) result(f *Features, values []float64, distance int) scorer.Result {
	result := scorer.Result{Ratings: make([]int8, len(s.capabilities)), Expected: make([]float32, len(s.capabilities))}
	for i, c := range s.capabilities {
		expected := s.weights.Expected(c, values[c])
		result.Ratings[i] = int8(math.Floor(expected + 0.5))
		result.Expected[i] = float32(expected)
	}
	result.Styles, result.Distance = s.stylesOf(f, values), distance
	return result
}

// stylesOf gives the styles whose heads are above their thresholds; where there is none, those that the rules give.
// First come those that the rules give too, in the order in which they appear in the conversation, then the others, the
// surest first.
func (s *Scorer) stylesOf(f *Features, values []float64) []string {
	type candidate struct {
		name   string
		place  int // among the rules' styles
		margin float64
	}
	var given, ruled []candidate
	for i, head := range s.styles {
		c := candidate{
			s.names[i], slices.Index(f.styles, s.names[i]),
			values[head] - float64(s.weights.Thresholds[head-len(s.weights.Capabilities)]),
		}
		if c.place >= 0 {
			ruled = append(ruled, c)
		} else {
			c.place = len(f.styles)
		}
		if c.margin > 0 {
			given = append(given, c)
		}
	}
	if len(given) == 0 {
		given = ruled
	}
	slices.SortStableFunc(given, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(b.margin, a.margin))
	})
	var names []string
	for _, c := range given {
		names = append(names, c.name)
	}
	return names
}
