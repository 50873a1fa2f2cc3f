package embedded

import (
	"math"
	"slices"
)

// Positions are whole numbers, so that distances are exact. positionSteps is how many steps of a position are one
// deviation of a feature; one of a cue counts cueSteps.
const (
	positionSteps = 18
	cueSteps      = 31 // the square root of 3 times as many, for its share is 3
)

// Position is where a sample lies.
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

// Likeness is how near two positions are: 1 at one place, falling with the square of the distance to 1/2 where
// the features differ by one deviation on average.
func Likeness(a, b []int8) float64 {
	distance := int32(0)
	b = b[:len(a)]
	for i, x := range a {
		d := int32(x) - int32(b[i])
		distance += d * d
	}
	return likenessAt(distance, len(a))
}

// likenessAt is the likeness at a squared distance in steps.
func likenessAt(distance int32, features int) float64 {
	half := float64(positionSteps * positionSteps * features)
	return half / (half + float64(distance))
}

// distanceAt is a squared distance in steps as scorer.Result has it: hundredths of what it is where all features differ
// by one deviation, and at least 1. Positions are whole numbers, so every machine finds the same.
func distanceAt(distance int32, features int) int {
	return max(1, int(math.Sqrt(1e4*float64(distance)/float64(positionSteps*positionSteps*features))))
}

// Distances is a function that gives how far a position lies from the nearest of others, as scorer.Result has it. There
// is at least one.
func Distances(others [][]int8) func(position []int8) int {
	p := newPrototypes(slices.Concat(others...), len(others))
	return func(position []int8) int {
		_, nearest := p.likenesses(position)
		return distanceAt(nearest, p.features)
	}
}

// prototypes are positions that others are compared with. One multiplication takes two of them: their places stand in
// the halves of a word.
type prototypes struct {
	features int
	pairs    [][]int64 // places of each two prototypes: the first one's plus 2^32 times the second one's
	norms    []int32   // sum of the squares of each prototype's places
}

// newPrototypes takes so many positions, one after the other.
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

// likenesses are those of each prototype and a position, as Likeness has them, with the squared distance, in steps, of
// the nearest one.
func (p prototypes) likenesses(position []int8) (all []float64, nearest int32) {
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
				all, nearest = append(all, likenessAt(distance, p.features)), min(nearest, distance)
			}
		}
	}
	return all, nearest
}
