package training_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// harbour returns a rubric with capabilities and a style that no rule of the scorer knows.
func harbour(t testing.TB) *rubric.Rubric {
	t.Helper()
	r, err := rubric.Parse([]byte("name: harbour\ncapabilities: [seafaring, patience]\nstyles: [shanty, plain speech]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// choose returns one of the words of a line.
func choose(rng *rand.Rand, words string) string {
	all := strings.Fields(words)
	return all[rng.IntN(len(all))]
}

// sample returns an annotated sample. The rating of seafaring depends on the question, the rating of patience on the
// length of the answer, and a shanty has its own words. Each source has its own form of questions.
func sample(i int) (training.Sample, scorer.Item) {
	rng := rand.New(rand.NewPCG(uint64(i), 7))
	ships, shanty, lines := rng.IntN(3), rng.IntN(2) == 0, 1+rng.IntN(5)
	question := []string{"Look here.", "Please reply.", "Question:", "Dear friend,"}[i%4]
	for range 4 {
		question += " tell of the " + choose(rng, "house tree garden table lamp window chair")
	}
	for range ships {
		question += " and the " + choose(rng, "schooner frigate anchor mast rudder")
	}
	answer := ""
	for range lines {
		answer += "It is " + choose(rng, "red big old small green new") + " and " + choose(rng, "near far here there") + ". "
	}
	styles := []string{"plain speech"}
	if shanty {
		answer += "Heave " + choose(rng, "ho hey away") + ", ye " + choose(rng, "lads mates sailors")
		styles = []string{"shanty"}
	}
	s := &dataset.Sample{ID: fmt.Sprintf("s%d", i), Source: fmt.Sprintf("source %d", i%4), Turns: []dataset.Turn{
		dataset.NewTurn(dataset.Human, question, 0), dataset.NewTurn(dataset.Model, answer, 0),
	}}
	item := scorer.Item{Sample: s}
	features, _, _ := embedded.NewObserver(nil).Observe(context.Background(), item) // it has no images
	return training.Sample{
		Annotation: annotation.Annotation{ID: s.ID, Scores: []int8{int8(2 * ships), int8(lines - 1)}, Styles: styles},
		Source:     s.Source, Images: []string{fmt.Sprintf("image %d", i/2)}, Features: features,
	}, item
}

func samples(from, to int) (learn []training.Sample, items []scorer.Item) {
	for i := from; i < to; i++ {
		s, item := sample(i)
		learn, items = append(learn, s), append(items, item)
	}
	return learn, items
}

func train(t *testing.T, learn []training.Sample, r *rubric.Rubric) (*training.Result, []byte) {
	t.Helper()
	result, err := training.Train(t.Context(), learn, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := result.Weights.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return result, file
}

// Training learns capabilities and styles that this repository does not contain, only from words. The scorer then finds
// them in new samples.
func TestTrain(t *testing.T) {
	t.Parallel()
	r := harbour(t)
	learn, _ := samples(0, 160)
	result, file := train(t, learn, r)
	for name, report := range map[string]float64{
		"seen sources: Spearman":   float64(result.SeenSources.Mean.Spearman),
		"seen sources: kappa":      float64(result.SeenSources.Mean.QWK),
		"unseen sources: Spearman": float64(result.UnseenSources.Mean.Spearman),
		"unseen sources: kappa":    float64(result.UnseenSources.Mean.QWK),
		"seen sources: styles":     float64(result.SeenSources.Styles.MicroF1),
		"unseen sources: styles":   float64(result.UnseenSources.Styles.MicroF1),
	} {
		if report < 0.8 {
			t.Errorf("%s: %.2f, want at least 0.8", name, report)
		}
	}
	s, err := embedded.Load(file, r, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	fresh, items := samples(1000, 1040)
	rated, err := s.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	near, same := 0, 0
	for i, got := range rated {
		for c, want := range fresh[i].Scores {
			if d := got.Ratings[c] - want; d*d <= 1 {
				near++
			}
		}
		if cmp.Equal(fresh[i].Styles, got.Styles) {
			same++
		}
	}
	if near < 72 || same < 36 {
		t.Errorf("of 80 ratings of new samples, %d are off by at most 1; of 40 samples, %d have the right styles",
			near, same)
	}
}

// The same samples give the same bytes, with one processor or more.
func TestTrainIsDeterministic(t *testing.T) { //nolint:paralleltest // GOMAXPROCS is the process's
	thorough.Only(t)
	learn, _ := samples(0, 100)
	_, first := train(t, learn, harbour(t))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	_, second := train(t, learn, harbour(t))
	if !bytes.Equal(first, second) {
		t.Errorf("the weights differ with one processor")
	}
}

func TestTrainOnOneSource(t *testing.T) {
	t.Parallel()
	learn, _ := samples(0, 100)
	for i := range learn {
		learn[i].Source = "harbour"
	}
	result, _ := train(t, learn, harbour(t))
	if result.UnseenSources != nil {
		t.Error("one source was split by source")
	}
	if got := float64(result.SeenSources.Mean.Spearman); got < 0.8 {
		t.Errorf("Spearman %.2f, want at least 0.8", got)
	}
}

// Missing ratings are neither used nor counted.
func TestTrainWithMissingRatings(t *testing.T) {
	t.Parallel()
	learn, _ := samples(0, 120)
	for i := range learn {
		if i%3 == 0 {
			learn[i].Scores = []int8{scorer.Missing, learn[i].Scores[1]}
		}
	}
	result, _ := train(t, learn, harbour(t))
	if n := result.SeenSources.Capabilities["seafaring"].Compared; n != 80 {
		t.Errorf("compared %d ratings, want 80", n)
	}
	if got := float64(result.SeenSources.Capabilities["seafaring"].Spearman); got < 0.8 {
		t.Errorf("Spearman %.2f, want at least 0.8", got)
	}
}

func TestTrainRefuses(t *testing.T) {
	t.Parallel()
	learn, _ := samples(0, 80)
	_, err := training.Train(t.Context(), learn[:59], harbour(t), nil)
	if want := "59 annotated samples are too few to learn from: annotate at least 60"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	unrated, _ := samples(0, 80)
	for i := range unrated {
		if i >= 19 {
			unrated[i].Scores = []int8{unrated[i].Scores[0], scorer.Missing}
		}
	}
	_, err = training.Train(t.Context(), unrated, harbour(t), nil)
	if want := `capability "patience": 19 samples have a rating, but 20 are needed`; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = training.Train(ctx, learn, harbour(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the error of the context", err)
	}
}

// If all samples have the same ratings and styles, all other samples get these.
func TestTrainOnConstantRatings(t *testing.T) {
	t.Parallel()
	learn, items := samples(0, 80)
	for i := range learn {
		learn[i].Scores, learn[i].Styles = []int8{0, 4}, []string{"shanty"}
	}
	_, file := train(t, learn, harbour(t))
	s, err := embedded.Load(file, harbour(t), memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	rated, err := s.Rate(t.Context(), items[:3])
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range rated {
		if diff := cmp.Diff([]int8{0, 4}, got.Ratings); diff != "" {
			t.Errorf("ratings (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"shanty"}, got.Styles); diff != "" {
			t.Errorf("styles (-want +got):\n%s", diff)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	learn, _ := samples(0, 80)
	last := 0
	_, err := training.Train(t.Context(), learn, harbour(t), func(done, total int) {
		if done <= last || total != 160 {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || last != 160 {
		t.Errorf("ended at %d, error %v", last, err)
	}
}
