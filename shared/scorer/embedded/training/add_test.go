package training

import (
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

// someSources is a base of a part of the embedded one, and samples of three other sources. A small base is quick.
func someSources(t testing.TB) (base *Base, weights *embedded.Weights, out []Sample) {
	t.Helper()
	whole, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	small := &Base{Capabilities: whole.Capabilities, Styles: whole.Styles, Penalties: whole.Penalties}
	sources := whole.sources()
	for i, s := range whole.Samples {
		if at, _ := slices.BinarySearch(sources, s.Source); at%4 == 0 {
			small.Samples, small.Unseen = append(small.Samples, s), append(small.Unseen, whole.Unseen[i])
		}
	}
	return withoutSources(t, small, []string{sources[0], sources[12], sources[20]})
}

// ratedBy are so many samples of each source, and the others, as a teacher rates them.
func ratedBy(samples []Sample, each int, rated func(c int, rating int8) int8) (own, rest []Sample) {
	taken := map[string]int{}
	for _, s := range samples {
		s.Scores = slices.Clone(s.Scores)
		for c := range s.Scores {
			s.Scores[c] = rated(c, s.Scores[c])
		}
		if taken[s.Source]++; taken[s.Source] <= each {
			own = append(own, s)
		} else {
			rest = append(rest, s)
		}
	}
	return own, rest
}

// TestBaseRoundTrip encodes what it decodes, and refuses a file that is cut short or of something else.
func TestBaseRoundTrip(t *testing.T) {
	t.Parallel()
	whole, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	base := &Base{Capabilities: whole.Capabilities, Styles: whole.Styles, Penalties: whole.Penalties}
	for i := 0; i < len(whole.Samples); i += 150 { // packing takes long
		base.Samples, base.Unseen = append(base.Samples, whole.Samples[i]), append(base.Unseen, whole.Unseen[i])
	}
	file, err := base.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeBase(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range base.Samples {
		got := again.Samples[i]
		if !slices.Equal(s.Scores, got.Scores) || !slices.Equal(s.Styles, got.Styles) || s.Source != got.Source ||
			!reflect.DeepEqual(s.Features.Grams, got.Features.Grams) {
			t.Fatalf("sample %d is decoded otherwise than it was encoded", i)
		}
	}
	for _, broken := range [][]byte{nil, file[:len(file)/2], []byte("no base"), builtin[:100]} {
		if _, err := DecodeBase(broken); err == nil {
			t.Errorf("no error for %d bytes that are no base", len(broken))
		}
	}
}

// TestShippedSize bounds what the program carries of its training: the weights, and what they were learned from.
func TestShippedSize(t *testing.T) {
	t.Parallel()
	weights, err := os.Stat("../weights.zst")
	if err != nil {
		t.Fatal(err)
	}
	if size := weights.Size() + int64(len(builtin)); size > 1_500_000 {
		t.Errorf("weights and base are %d bytes, and may be 1.5 MB", size)
	}
}

// TestAddTeachers adds samples that teachers of different scales rated. What is learned agrees with the teacher on
// samples that were not added, and hardly less than what either the base or the own samples alone give.
func TestAddTeachers(t *testing.T) {
	t.Parallel()
	base, builtin, out := someSources(t)
	for _, name := range []string{"same scale", "shifted", "inverted on one capability"} {
		rated := teachers()[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(4, 4))
			own, rest := ratedBy(out, 15, func(c int, rating int8) int8 { return rated(c, rating, rng) })
			added, err := Add(t.Context(), base, builtin, own, rubric.Default())
			if err != nil {
				t.Fatal(err)
			}
			agreed := func(w *embedded.Weights) float64 {
				r := measured(t, w, rest)
				return float64(r.Mean.Spearman+r.Mean.QWK) / 2
			}
			now, before := agreed(added.Weights), agreed(builtin)
			t.Logf("%.3f, before %.3f: %s; alone %v", now, before, added.Variant, added.Alone)
			if now < before+0.02 {
				t.Errorf("agreement %.3f, before %.3f", now, before)
			}
			if name == "inverted on one capability" {
				at := rubric.Default().Capabilities[5]
				if inverted := measured(t, added.Weights, rest).Capabilities[at]; !(inverted.Spearman > 0.2) {
					t.Errorf("Spearman %.3f on the inverted capability", inverted.Spearman)
				}
			}
			if name != "same scale" {
				return
			}
			second, err := Add(t.Context(), base, builtin, own, rubric.Default())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(added.Weights, second.Weights); diff != "" {
				t.Error("the same samples gave other weights")
			}
		})
	}
}

// TestAddRefuses refuses samples from which nothing can be learned: constant ones, random ones, too few.
func TestAddRefuses(t *testing.T) {
	t.Parallel()
	base, builtin, out := someSources(t)
	rng := rand.New(rand.NewPCG(5, 5))
	for name, rated := range map[string]func(int, int8) int8{
		"constant": func(int, int8) int8 { return 3 },
		"random":   func(int, int8) int8 { return int8(rng.IntN(6)) },
	} {
		own, _ := ratedBy(out, len(out), rated)
		added, err := Add(t.Context(), base, builtin, own, rubric.Default())
		if err == nil {
			err = added.Useful()
		}
		if !errors.Is(err, ErrUseless) {
			t.Errorf("%s ratings: error %v, want that nothing can be learned", name, err)
		}
	}
	if _, err := Add(t.Context(), base, builtin, out[:5], rubric.Default()); err == nil {
		t.Error("no error for five samples")
	}
	other, err := rubric.Parse([]byte("name: other\ncapabilities: [song]\nstyles: [word]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Add(t.Context(), base, builtin, out, other); err == nil {
		t.Error("no error for another rubric")
	}
}
