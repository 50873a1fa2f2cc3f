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
	"github.com/harvest-ml/harvest/shared/thorough"
)

// someSources returns a part of the embedded base, and samples of three sources outside this part. A small base is
// fast.
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

// ratedBy gives samples the ratings of a teacher. It returns this number of samples of each source, and then the
// others.
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

// TestBaseRoundTrip encodes a base and decodes it again. A file that is truncated or damaged is refused.
func TestBaseRoundTrip(t *testing.T) {
	t.Parallel()
	whole, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	base := &Base{Capabilities: whole.Capabilities, Styles: whole.Styles, Penalties: whole.Penalties}
	for i := 0; i < len(whole.Samples); i += 150 { // encoding takes long
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
			t.Fatalf("sample %d differs after encoding and decoding", i)
		}
	}
	for _, broken := range [][]byte{nil, file[:len(file)/2], []byte("no base"), builtin[:100]} {
		if _, err := DecodeBase(broken); err == nil {
			t.Errorf("no error for %d bytes that are not a base", len(broken))
		}
	}
}

// TestShippedSize limits the size of the weights and their training data in the program.
func TestShippedSize(t *testing.T) {
	t.Parallel()
	weights, err := os.Stat("../weights.zst")
	if err != nil {
		t.Fatal(err)
	}
	if size := weights.Size() + int64(len(builtin)); size > 1_500_000 {
		t.Errorf("weights and base have %d bytes, but the limit is 1.5 MB", size)
	}
}

// TestAddTeachers adds samples with the ratings of teachers who use different scales. On other samples, the weights
// agree with the teacher, hardly less than weights of only the base or of only the user's samples.
func TestAddTeachers(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
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

// TestAddRefuses checks that constant ratings, random ratings, and too few ratings are refused.
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
			t.Errorf("%s ratings: error %v, want ErrUseless", name, err)
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
