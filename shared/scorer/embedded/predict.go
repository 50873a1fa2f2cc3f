package embedded

import (
	"cmp"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Predictor computes the value of each head from the features of a sample.
type Predictor struct {
	weights    *Weights
	prototypes prototypes
}

// NewPredictor returns a Predictor with these weights. They must come from DecodeWeights, or Encode must accept them.
func NewPredictor(w *Weights) *Predictor {
	return &Predictor{weights: w, prototypes: newPrototypes(w.Prototypes, w.PrototypeCount)}
}

// Predict returns the value of each head for a sample. It adds in a fixed order and rounds each product, so that every
// machine computes the same bits.
func (p *Predictor) Predict(f *Features) []float64 {
	values, _ := p.locate(f)
	return values
}

// locate returns the value of each head and the distance to the nearest prototype; 0 if there are no prototypes.
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
	similarities, nearest := p.prototypes.similarities(w.Position(f))
	for i, similarity := range similarities {
		for h, weight := range w.Similarities[i*heads : (i+1)*heads] {
			values[h] += float64(similarity * float64(weight))
		}
	}
	w.addGrams(f, values)
	if len(similarities) > 0 {
		distance = distanceAt(nearest, p.prototypes.features)
	}
	return values, distance
}

// addGrams adds the contribution of a sample's n-grams to the values of the heads.
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

// Standard returns a dense feature, standardised and clipped as the weights expect it.
func (h *Header) Standard(feature int, value float64) float64 {
	x := float64(value-float64(h.Mean[feature])) * float64(h.Scale[feature])
	return min(Clip, max(-Clip, x))
}

// Expected returns the expected score of a capability for the value of its head. Below the first cut, the score is 0.
// At the k-th cut it is k - 1/2, and between cuts it rises. So the rounded score is the rating. The score is a whole
// number of units.
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
	// Rounding to units must not raise the score to the next rating.
	const half = scorer.ExpectedUnits / 2
	return scorer.FromUnits(min(scorer.Units(expected), uint16(rating)*scorer.ExpectedUnits+half-1))
}

// result returns the ratings and styles of a sample.
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

// stylesOf returns the styles whose heads are above their thresholds. If no head is above its threshold, it returns the
// styles that the rules give. Styles that the rules give come first, in the order of their first appearance in the
// conversation. The other styles follow by their margin, largest first.
func (s *Scorer) stylesOf(f *Features, values []float64) []string {
	type candidate struct {
		name   string
		place  int     // index among the styles that the rules give
		margin float64 // value of the head above its threshold
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
