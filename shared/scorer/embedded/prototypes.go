package embedded

import (
	"math"
	"slices"
)

// Positions are whole numbers of steps, so that distances are exact. A standard deviation of a cue has cueSteps steps.
// A standard deviation of another feature has positionSteps steps.
const (
	positionSteps = 18
	cueSteps      = 31 // sqrt(3) * positionSteps: a cue counts three times in a squared distance
)

// Position returns the coordinates of a sample, in steps: its dense features without the features of the rules.
func (h *Header) Position(f *Features) []int8 {
	p := make([]int8, len(f.Dense)-RuleFeatures)
	for i := range p {
		unit := float64(positionSteps)
		if i < CueFeatures {
			unit = cueSteps
		}
		p[i] = int8(math.Round(float64(h.Standard(i, f.Dense[i]) * unit)))
	}
	return p
}

// Similarity returns the similarity of two positions: 1 if they are equal, and 1/2 if the features differ by one
// standard deviation on average. The similarity decreases with the squared distance.
func Similarity(a, b []int8) float64 {
	distance := int32(0)
	b = b[:len(a)]
	for i, x := range a {
		d := int32(x) - int32(b[i])
		distance += d * d
	}
	return similarityAt(distance, len(a))
}

// similarityAt returns the similarity at a squared distance in steps.
func similarityAt(distance int32, features int) float64 {
	half := float64(positionSteps * positionSteps * features)
	return half / (half + float64(distance))
}

// distanceAt converts a squared distance in steps to the unit of scorer.Result: 100 if all features differ by one
// standard deviation, and at least 1. Positions are whole numbers, so every machine computes the same distance.
func distanceAt(distance int32, features int) int {
	return max(1, int(math.Sqrt(1e4*float64(distance)/float64(positionSteps*positionSteps*features))))
}

// Distances returns a function that computes the distance from a position to the nearest of the positions in others, in
// the unit of scorer.Result. others must not be empty.
func Distances(others [][]int8) func(position []int8) int {
	p := newPrototypes(slices.Concat(others...), len(others))
	return func(position []int8) int {
		_, nearest := p.similarities(position)
		return distanceAt(nearest, p.features)
	}
}

// prototypes are the positions that samples are compared with. The coordinates of two prototypes are packed into the
// two halves of a 64-bit word, so that one multiplication computes both products.
type prototypes struct {
	features int
	pairs    [][]int64 // coordinates of two prototypes: the first plus 2^32 times the second
	norms    []int32   // sum of the squares of each prototype's coordinates
}

// newPrototypes packs prototypes. positions has the positions of count prototypes, concatenated.
func newPrototypes(positions []int8, count int) prototypes {
	if count == 0 {
		return prototypes{}
	}
	p := prototypes{features: len(positions) / count, norms: make([]int32, count)}
	for i := range count {
		position := positions[i*p.features:][:p.features]
		if i%2 == 0 {
			p.pairs = append(p.pairs, make([]int64, p.features))
		}
		for j, place := range position {
			p.pairs[i/2][j] += int64(place) << (32 * (i % 2))
		}
		p.norms[i] = norm(position)
	}
	return p
}

func norm(position []int8) (sum int32) {
	for _, place := range position {
		sum += int32(place) * int32(place)
	}
	return sum
}

// similarities returns the similarity of a position to each prototype, and the squared distance to the nearest
// prototype, in steps.
func (p prototypes) similarities(position []int8) (all []float64, nearest int32) {
	places := make([]int64, p.features)
	for i := range places {
		places[i] = int64(position[i])
	}
	own := norm(position)
	all, nearest = make([]float64, 0, len(p.norms)+1), math.MaxInt32
	for i, pair := range p.pairs {
		sum := int64(0)
		for j, place := range pair[:len(places)] {
			sum += places[j] * place
		}
		first := int32(sum)
		for k, product := range [2]int32{first, int32((sum - int64(first)) >> 32)} {
			if n := 2*i + k; n < len(p.norms) {
				distance := own + p.norms[n] - 2*product
				all, nearest = append(all, similarityAt(distance, p.features)), min(nearest, distance)
			}
		}
	}
	return all, nearest
}
