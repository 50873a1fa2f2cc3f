package embedded

import (
	"slices"
	"testing"
)

func TestSimilarity(t *testing.T) {
	t.Parallel()
	const features = 40
	at := func(step int8) []int8 { return slices.Repeat([]int8{step}, features) }
	for _, tt := range []struct {
		a, b []int8
		want float64
	}{
		{at(5), at(5), 1},
		{at(0), at(positionSteps), 0.5},
		{at(-positionSteps), at(positionSteps), 0.2},
		{at(-128), at(127), 324.0 / (324 + 255*255)},
	} {
		if got, back := Similarity(tt.a, tt.b), Similarity(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("from %d to %d: %v, in the other direction %v, want %v", tt.a[0], tt.b[0], got, back, tt.want)
		}
		three := newPrototypes(slices.Concat(tt.b, tt.a, tt.b), 3)
		got, nearest := three.similarities(tt.a)
		if want := []float64{tt.want, 1, tt.want}; !slices.Equal(got, want) || nearest != 0 {
			t.Errorf("from %d to prototypes at %d, %d, %d: %v, want %v", tt.a[0], tt.b[0], tt.a[0], tt.b[0], got, want)
		}
	}
}

// The position of a sample far outside of the training data stays within the range of a coordinate.
func TestPosition(t *testing.T) {
	t.Parallel()
	features := len(FeatureNames())
	h := Header{Mean: make([]float32, features), Scale: slices.Repeat([]float32{50}, features)}
	f := &Features{Dense: slices.Repeat([]float64{9}, features)}
	f.Dense[CueFeatures] = -9
	p := h.Position(f)
	if len(p) != features-RuleFeatures || p[0] != Clip*cueSteps || p[CueFeatures] != -Clip*positionSteps {
		t.Errorf("%d places, a cue at %d, a feature at %d", len(p), p[0], p[CueFeatures])
	}
}

// A distance of 100 means that all features differ by one standard deviation. The distance is that of the nearest
// prototype, and never 0.
func TestDistances(t *testing.T) {
	t.Parallel()
	const features = 40
	at := func(step int8) []int8 { return slices.Repeat([]int8{step}, features) }
	distance := Distances([][]int8{at(0), at(5 * positionSteps), at(0)})
	for step, want := range map[int8]int{
		0: 1, 9: 50, positionSteps: 100, 2 * positionSteps: 200, 3 * positionSteps: 200, 5 * positionSteps: 1,
	} {
		if got := distance(at(step)); got != want {
			t.Errorf("at %d: %d, want %d", step, got, want)
		}
	}
}
