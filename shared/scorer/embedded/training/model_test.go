package training

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"gonum.org/v1/gonum/mat"
)

// orchard returns a task of samples with one capability. The rating of a sample is the number of trees in its question.
func orchard(t *testing.T, n int) *task {
	t.Helper()
	r, err := rubric.Parse([]byte("name: orchard\ncapabilities: [trees]\nstyles: [word]\n"))
	if err != nil {
		t.Fatal(err)
	}
	made := &task{rubric: r}
	for i := range n {
		trees := i % 6
		s := &dataset.Sample{ID: fmt.Sprint(i), Turns: []dataset.Turn{
			dataset.NewTurn(dataset.Human,
				"What grows at number "+fmt.Sprint(i*i)+"?"+strings.Repeat(" An apple tree", trees), 0),
			dataset.NewTurn(dataset.Model, strings.Fields("grass moss corn")[i%3], 0),
		}}
		features, _, _ := embedded.NewObserver(nil).Observe(t.Context(), scorer.Item{Sample: s}) // it has no images
		made.samples = append(made.samples, Sample{
			Annotation: annotation.Annotation{ID: s.ID, Scores: []int8{int8(trees)}, Styles: []string{"word"}[:i%2]},
			Source:     fmt.Sprint(i % 5), Features: features,
		})
	}
	return made
}

// The weights give the values of their model, except for rounding.
func TestWeightsAreTheModel(t *testing.T) {
	t.Parallel()
	o := orchard(t, 60)
	d, err := o.design(all(50))
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.fit([]float64{0.1, 0.4})
	if err != nil {
		t.Fatal(err)
	}
	w := m.weights(calibration{cuts: make([][5]float32, 1), thresholds: make([]float32, 1)})
	p := embedded.NewPredictor(w)
	for _, s := range o.samples {
		for h, got := range p.Predict(s.Features) {
			if want := m.predict(s.Features)[h]; math.Abs(got-want) > 0.02 {
				t.Errorf("sample %s, head %d: the weights give %.4f, but the model %.4f", s.ID, h, got, want)
			}
		}
	}
}

// The dual solution fulfils its equations: the prediction for a training sample differs from the target by the penalty
// times the sample's dual weight. So the weights match the kernels.
func TestFitSolvesTheRegression(t *testing.T) {
	t.Parallel()
	const penalty = 0.2
	o := orchard(t, 40)
	d, err := o.design(all(40))
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.fit([]float64{penalty, penalty})
	if err != nil {
		t.Fatal(err)
	}
	for part, kernel := range []*mat.SymDense{d.ratings, d.styles} {
		duals, err := d.solve(kernel, penalty, part, part+1)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range o.samples {
			missed := d.targets.At(i, part) + d.centre[part] - m.predict(s.Features)[part]
			if want := penalty * duals.At(i, 0); math.Abs(missed-want) > 2e-3 {
				t.Errorf("sample %d, head %d: the prediction differs from the target by %.5f, want %.5f", i, part, missed, want)
			}
		}
	}
}

// Samples that share an image, directly or through others, are in one fold.
func TestByImage(t *testing.T) {
	t.Parallel()
	o := orchard(t, 300)
	for i := range o.samples {
		o.samples[i].Images = []string{fmt.Sprint("a", i/3), fmt.Sprint("b", (i+1)/3)}
	}
	p := o.byImage()
	for i := range p.fold[1:] {
		if p.fold[i] != p.fold[i+1] {
			t.Fatalf("samples %d and %d are in folds %d and %d", i, i+1, p.fold[i], p.fold[i+1])
		}
	}
	for i := range o.samples {
		o.samples[i].Images = []string{fmt.Sprint(i)}
	}
	counts := make([]int, 10)
	for _, fold := range o.byImage().fold {
		counts[fold]++
	}
	for fold, n := range counts {
		if n < 10 {
			t.Errorf("fold %d of 10 has %d of 300 samples", fold, n)
		}
	}
}

// Sources of one family are in one fold if there are eight families. With fewer families, each source has its own fold.
func TestBySource(t *testing.T) {
	t.Parallel()
	o := orchard(t, 300)
	fold := func(families int) map[string]int {
		for i := range o.samples {
			o.samples[i].Source = fmt.Sprintf("%c_%s", 'a'+rune(i%families), []string{"east", "west"}[i/families%2])
		}
		folds := map[string]int{}
		p := o.bySource()
		for i := range o.samples {
			source := o.samples[i].Source
			if known, seen := folds[source]; seen && known != p.fold[i] {
				t.Fatalf("source %s is in folds %d and %d", source, known, p.fold[i])
			}
			folds[source] = p.fold[i]
		}
		return folds
	}
	if folds := fold(8); folds["a_east"] != folds["a_west"] || folds["a_east"] == folds["b_east"] {
		t.Errorf("eight families are in folds %v", folds)
	}
	if folds := fold(3); folds["a_east"] == folds["a_west"] {
		t.Errorf("sources of three families are in folds %v", folds)
	}
}

func TestCuts(t *testing.T) {
	t.Parallel()
	values := []float64{-1, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	got := cutsOf(values, [6]int{4, 3, 0, 2, 1, 0})
	want := [5]float32{2.5, 5.5, 5.55, 7.5, 9}
	for k := range want {
		if math.Abs(float64(got[k]-want[k])) > 1e-6 {
			t.Errorf("cuts %v, want %v", got, want)
		}
	}
}
