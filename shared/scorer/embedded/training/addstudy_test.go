package training

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// withoutSources returns the base without some sources, the weights that are trained on it, and the samples of these
// sources.
func withoutSources(t testing.TB, b *Base, sources []string) (*Base, *embedded.Weights, []Sample) {
	t.Helper()
	rest := &Base{Capabilities: b.Capabilities, Styles: b.Styles, Penalties: b.Penalties}
	var out []Sample
	for i, s := range b.Samples {
		if slices.Contains(sources, s.Source) {
			out = append(out, s)
		} else {
			rest.Samples, rest.Unseen = append(rest.Samples, s), append(rest.Unseen, b.Unseen[i])
		}
	}
	a := &addition{base: rest, rubric: rubric.Default()}
	d, err := a.task(nil).design(all(len(rest.Samples)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.fit(rest.Penalties)
	if err != nil {
		t.Fatal(err)
	}
	return rest, m.weights(a.calibrate(nil, make([]int, d.heads()), nil)), out
}

// measured returns the agreement of weights with samples.
func measured(t testing.TB, w *embedded.Weights, samples []Sample) *agreement.Report {
	t.Helper()
	a := newAddition(&Base{}, w, samples, rubric.Default())
	r, err := agreement.Measure(a.before(), a.task(nil).options(1))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// figuresOf returns the agreement of weights with samples: the mean Spearman correlation, the mean kappa, the Spearman
// correlation within sources, and the F1 of the styles.
func figuresOf(t *testing.T, w *embedded.Weights, samples []Sample) [4]float64 {
	t.Helper()
	r := measured(t, w, samples)
	return [4]float64{
		float64(r.Mean.Spearman), float64(r.Mean.QWK), float64(r.WithinSource.Spearman), float64(r.Styles.MicroF1),
	}
}

// TestAddStudy measures how much annotated samples of new sources raise the agreement. HARVEST_STUDY is the number of
// draws. A draw chooses five sources, adds some of their samples to a base without these sources, and measures the
// agreement on the other samples.
func TestAddStudy(t *testing.T) {
	t.Parallel()
	draws, err := strconv.Atoi(os.Getenv("HARVEST_STUDY"))
	if err != nil {
		t.Skip("HARVEST_STUDY is not a number of draws")
	}
	all, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, s := range all.Samples {
		sources = append(sources, s.Source)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	sums := map[int][4]float64{}
	for draw := range draws {
		rng := rand.New(rand.NewPCG(uint64(draw), 18))
		rng.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		base, builtin, out := withoutSources(t, all, sources[:5])
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		for _, each := range []int{0, 5, 10, 20} {
			taken := map[string]int{}
			var own, rest []Sample
			for _, s := range out {
				if taken[s.Source]++; taken[s.Source] <= each {
					own = append(own, s)
				} else if taken[s.Source] > 20 || each < 20 {
					rest = append(rest, s)
				}
			}
			w, variant := builtin, "before"
			if each > 0 {
				added, err := Add(t.Context(), base, builtin, own, rubric.Default())
				if err != nil {
					t.Fatal(err)
				}
				w, variant = added.Weights, added.Variant
			}
			f := figuresOf(t, w, rest)
			t.Logf("draw %d, %d of each source (%d, %d left): Spearman %.3f, kappa %.3f, within source %.3f, styles %.3f: %s",
				draw, each, len(own), len(rest), f[0], f[1], f[2], f[3], variant)
			sum := sums[each]
			for i := range sum {
				sum[i] += f[i]
			}
			sums[each] = sum
		}
	}
	for _, each := range []int{0, 5, 10, 20} {
		s, n := sums[each], float64(draws)
		t.Logf("mean at %d of each source: Spearman %.3f, kappa %.3f, within source %.3f, styles %.3f",
			each, s[0]/n, s[1]/n, s[2]/n, s[3]/n)
	}
}

// TestAddOneSource measures the agreement on pools of one source. HARVEST_STUDY is the number of families of sources;
// families with the most samples come first. For each family, some samples of one of its sources are added to a base
// without the family, and the agreement is measured on the other samples of this source, at least 20.
func TestAddOneSource(t *testing.T) {
	t.Parallel()
	pools, err := strconv.Atoi(os.Getenv("HARVEST_STUDY"))
	if err != nil {
		t.Skip("HARVEST_STUDY is not a number of pools")
	}
	all, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string][]string{}
	for _, name := range all.sources() {
		sources[family(name)] = append(sources[family(name)], name)
	}
	size := func(name string) (n int) {
		for _, s := range all.Samples {
			if family(s.Source) == name {
				n++
			}
		}
		return n
	}
	names := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a, b))
	})
	for _, name := range names[:pools] {
		base, builtin, out := withoutSources(t, all, sources[name])
		for i := range out {
			out[i].Source = name
		}
		rng := rand.New(rand.NewPCG(1, 18))
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		for _, each := range []int{0, 10, 20, 40, 80} {
			if each+agreement.LeastOfSource > len(out) {
				break
			}
			w, variant := builtin, "before"
			if each > 0 {
				added, err := Add(t.Context(), base, builtin, out[:each], rubric.Default())
				if err != nil {
					t.Fatal(err)
				}
				w, variant = added.Weights, added.Variant
			}
			r := measured(t, w, out[each:])
			t.Logf("%s, %d of %d: Spearman %.3f, kappa %.3f, styles %.3f, value at 10 %% %.2f, at 30 %% %.2f; source mean "+
				"alone: kappa %.3f: %s", name, each, len(out), float64(r.Mean.Spearman), float64(r.Mean.QWK),
				float64(r.Styles.MicroF1), float64(r.SelectionValue["0.1"]), float64(r.SelectionValue["0.3"]),
				float64(r.SourceMean.QWK), variant)
		}
	}
}
