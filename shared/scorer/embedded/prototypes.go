package embedded

import "math"

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
	half := float64(positionSteps * positionSteps * len(a))
	return half / (half + float64(distance))
}
