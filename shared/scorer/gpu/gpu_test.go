package gpu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// Requests must have exactly the prompts of the rubric, the images, and the correct questions.
func TestRateAsks(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	items := pool(3)
	items[1] = textOnly(items[1])
	if _, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	r := rubric.Default()
	if got := f.sizes(); !slices.Equal(got, []int{3}) {
		t.Fatalf("batches of %v", got)
	}
	for i, sent := range f.batches[0] {
		if diff := cmp.Diff(items[i].Images, sent.Images); diff != "" {
			t.Errorf("images of sample %d (-want +got)\n%s", i, diff)
		}
		var queries []query
		if err := json.Unmarshal(sent.Queries, &queries); err != nil {
			t.Fatal(err)
		}
		var prompts []string
		for k, q := range queries {
			prompts = append(prompts, prompt(sent, q))
			want := query{Model: "scorer", Text: q.Text, Choices: []string{"0", "1", "2", "3", "4", "5"}}
			if k == len(r.Capabilities) {
				want = query{Model: "styler", Text: q.Text, MaxTokens: 64}
			}
			if diff := cmp.Diff(want, q); diff != "" {
				t.Errorf("query %d of sample %d (-want +got)\n%s", k, i, diff)
			}
		}
		if diff := cmp.Diff(r.PromptsFor(items[i].Sample.Texts()), prompts); diff != "" {
			t.Errorf("prompts of sample %d (-want +got)\n%s", i, diff)
		}
	}
}

func TestRateReads(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	items := pool(100)
	items[7] = textOnly(items[7])
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong(items, results); err != nil {
		t.Error(err)
	}
	res := results[7]
	if diff := cmp.Diff([]string{"yes/no", "comparison"}, res.Styles); diff != "" {
		t.Errorf("styles (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"off_reference"}, res.Flags); diff != "" || results[8].Flags != nil {
		t.Errorf("flags (-want +got)\n%s; of the next sample %v", diff, results[8].Flags)
	}
	digit := float64(res.Ratings[0])
	if want := float32((0.9*digit + 0.01*(15-digit)) / 0.95); !near(res.Expected[0], want) ||
		!near(res.Mass[0], 0.95) || !near(res.Margin[0], 0.89) {
		t.Errorf("expected score %v, mass %v, margin %v; want %v, 0.95, 0.89",
			res.Expected[0], res.Mass[0], res.Margin[0], want)
	}
	if n := len(rubric.Default().Capabilities); len(res.Ratings) != n || len(res.Expected) != n || len(res.Mass) != n ||
		len(res.Margin) != n {
		t.Errorf("%d ratings, %d expected scores, %d masses, %d margins for %d capabilities",
			len(res.Ratings), len(res.Expected), len(res.Mass), len(res.Margin), n)
	}
}

func near(a, b float32) bool { return max(a-b, b-a) < 1e-5 }

func TestRateNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), nil)
	if err != nil || len(results) != 0 || f.tries != 0 {
		t.Errorf("%d results, error %v, %d requests", len(results), err, f.tries)
	}
}

// Two sidecars with one model each give the same results and the same id as one sidecar with both models.
func TestTwoSidecars(t *testing.T) {
	t.Parallel()
	both := newFake(t)
	one := newFake(t, func(f *fake) { delete(f.models, "styler") })
	other := newFake(t, func(f *fake) { delete(f.models, "scorer") })
	items := pool(40)
	apart := openAt(t, "styler="+other.URL+",scorer="+one.URL, options(t))
	together := openAt(t, both.URL, options(t))
	if apart.ID() != together.ID() {
		t.Errorf("ids %s and %s", apart.ID(), together.ID())
	}
	want, err := together.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	got, err := apart.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-together +apart)\n%s", diff)
	}
	for model, f := range map[string]*fake{"scorer": one, "styler": other} {
		for _, it := range slices.Concat(f.batches...) {
			var queries []query
			if err := json.Unmarshal(it.Queries, &queries); err != nil {
				t.Fatal(err)
			}
			if i := slices.IndexFunc(queries, func(q query) bool { return q.Model != model }); i >= 0 {
				t.Fatalf("the sidecar of the %s got a query to the %s", model, queries[i].Model)
			}
		}
	}
}

// The id must depend on everything that can change a rating, and on nothing else.
func TestID(t *testing.T) {
	t.Parallel()
	first := openAt(t, newFake(t).URL, options(t)).ID()
	if !strings.HasPrefix(first, "gpu-") || len(first) != len("gpu-")+12 {
		t.Errorf("id %q", first)
	}
	if again := openAt(t, newFake(t, func(f *fake) { f.limits.Items = 9 }).URL, options(t)).ID(); again != first {
		t.Errorf("with another address and other limits, the id is %s, want %s", again, first)
	}
	for _, model := range []string{"scorer", "styler"} {
		if id := openAt(t, newFake(t, func(f *fake) { f.models[model] = "other" }).URL, options(t)).ID(); id == first {
			t.Errorf("another %s has the same id", model)
		}
	}
	swapped := newFake(t, func(f *fake) { f.models = map[string]string{"scorer": "t-1", "styler": "s-1"} })
	if id := openAt(t, swapped.URL, options(t)).ID(); id == first {
		t.Error("swapped models have the same id")
	}
	r := *rubric.Default()
	r.Capabilities = r.Capabilities[:3]
	at := Address{Scorer: []string{swapped.URL}, Styler: []string{swapped.URL}}
	if s, err := New(at, options(t)).Open(t.Context(), &r); err != nil || s.ID() == first {
		t.Errorf("another rubric: error %v, or the same id", err)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	large := pool(10)
	for i := range large {
		large[i].Images = [][]byte{make([]byte, 30_000)}
	}
	tests := []struct {
		name   string
		items  []scorer.Item
		limits limits
		want   []int
	}{
		{"one batch", pool(32), limits{Items: 256, Bytes: 64 << 20, Queries: 64}, []int{32}},
		{"equal batches", pool(50), limits{Items: 256, Bytes: 64 << 20, Queries: 64}, []int{25, 25}},
		{"the sidecar's items", pool(50), limits{Items: 20, Bytes: 64 << 20, Queries: 64}, []int{16, 17, 17}},
		{"one item at a time", pool(3), limits{Items: 1, Bytes: 64 << 20, Queries: 64}, []int{1, 1, 1}},
		// Each sample has about 43,000 bytes.
		{"the sidecar's bytes", large, limits{Items: 256, Bytes: 140_000, Queries: 64}, []int{1, 3, 3, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(f *fake) {
				f.limits = tt.limits
				f.refuse = func(_ http.ResponseWriter, _ string, asked []item) bool {
					if size, _ := encode(request{asked}); len(size) > tt.limits.Bytes || len(asked) > tt.limits.Items {
						t.Errorf("a request of %d items and %d bytes", len(asked), len(size))
					}
					return false
				}
			})
			results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), tt.items)
			if err != nil {
				t.Fatal(err)
			}
			if err := wrong(tt.items, results); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, f.sizes()); diff != "" {
				t.Errorf("sizes of requests (-want +got)\n%s", diff)
			}
		})
	}
}

// While one batch runs, the next batch must arrive, but no third batch, for any number of samples.
func TestPipelining(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(f *fake) {
		f.limits.Items = 2
		f.refuse = func(_ http.ResponseWriter, path string, _ []item) bool {
			if path == "/v1/score" {
				time.Sleep(20 * time.Millisecond)
			}
			return false
		}
	})
	s := openAt(t, f.URL, options(t))
	done := make(chan error)
	for range 3 {
		go func() {
			items := pool(12)
			results, err := s.Rate(t.Context(), items)
			if err == nil {
				err = wrong(items, results)
			}
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if f.most != inFlight {
		t.Errorf("%d requests at the same time, want %d", f.most, inFlight)
	}
}
