package embedded

import (
	"math"
	"reflect"

	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
)

func TestWeightsRoundTrip(t *testing.T) {
	t.Parallel()
	w, err := defaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	file, err := w.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeWeights(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w, again) { // cmp takes seconds for the weights
		t.Errorf("encoded and decoded (-want +got):\n%s", cmp.Diff(w, again))
	}
	if len(file) > 3<<20 {
		t.Errorf("the weights have %d bytes, more than 3 MiB", len(file))
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	w, err := defaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	old := *w
	old.Version = "1"
	if _, err := old.Encode(); err == nil || !strings.Contains(err.Error(), "train them again with this program") {
		t.Errorf("weights of another version: error %v", err)
	}
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"no weights": {[]byte("no weights"), "this is not a file of weights"},
		"empty":      {nil, "this is not a file of weights"},
		"cut short":  {defaultFile[:len(defaultFile)/2], "the file is cut short or damaged"},
	} {
		_, err := Load(tt.file, rubric.Default(), memorytest.Budget(t))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
}

func FuzzDecodeWeights(f *testing.F) {
	f.Add(defaultFile[:200])
	f.Add([]byte("no weights"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if w, err := DecodeWeights(file); err == nil && w.check() != nil {
			t.Error("invalid weights were accepted")
		}
	})
}

// TestExpected checks that expected scores increase with the values, and that they round to the rating of the cuts.
func TestExpected(t *testing.T) {
	t.Parallel()
	h := Header{Cuts: [][5]float32{{0.5, 1, 1.25, 3, 4}}}
	for _, tt := range []struct{ value, want float64 }{
		{-3, 0}, {0.4999, 0}, {0.5, 0.5}, {0.75, 1}, {1, 1.5}, {2.125, 3},
		{3, 3.5}, {3.5, 4}, {4, 4.5}, {4.5, 4.75}, {5, 5}, {90, 5},
	} {
		if got := h.Expected(0, tt.value); got != tt.want {
			t.Errorf("at %v: %v, want %v", tt.value, got, tt.want)
		}
	}
	before := 0.0
	for value := -1.0; value < 6; value += 0.0001 {
		got := h.Expected(0, value)
		if got < before {
			t.Fatalf("at %v: %v, but at the value before it %v", value, got, before)
		}
		before = got
		rating := 0
		for _, cut := range h.Cuts[0] {
			if value >= float64(cut) {
				rating++
			}
		}
		if int(math.Floor(got+0.5)) != rating {
			t.Fatalf("at %v: %v does not round to %d", value, got, rating)
		}
	}
}

// TestStyleOrder checks the order of styles: first the styles that the rules give, too, in the order of the
// conversation, and then the other styles by margin.
func TestStyleOrder(t *testing.T) {
	t.Parallel()
	s := &Scorer{
		weights: &Weights{Header: Header{Styles: []string{"a", "b", "c", "d"}, Thresholds: []float32{0, 0.5, 0, 0}}},
		styles:  []int{0, 1, 2, 3}, names: []string{"a", "b", "c", "d"},
	}
	for _, tt := range []struct {
		rules  string
		values []float64
		want   string
	}{
		{"c a", []float64{0.1, 0.6, 0.1, 0.4}, "c a d b"},
		{"", []float64{0.1, 0.5, 0.3, -1}, "c a"},
		{"b d", []float64{-1, -1, -1, -1}, "b d"},
		{"", []float64{-1, -1, -1, -1}, ""},
	} {
		f := &Features{styles: strings.Fields(tt.rules)}
		if diff := cmp.Diff(strings.Fields(tt.want), s.stylesOf(f, tt.values), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("rules %q, values %v (-want +got):\n%s", tt.rules, tt.values, diff)
		}
	}
}
