package training

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// LeastAdded is how few samples can be added to a base.
const LeastAdded = 10

// MostLeftOut is how many own samples are left out in their turn, to choose a variant and to measure it; of more, as
// many at even distances. The weights learn from all. The time of leaving out grows with the cube of the number.
const MostLeftOut = 2000

// A variant is a way to learn from a base and own samples together.
type variant struct {
	weight float64 // of an own sample, where one of the base counts 1
	mapped bool    // whether labels of the base are mapped to the scale of the own ones
	alone  bool    // whether own samples count only
	half   bool    // whether it is the mean of the variant without half and of own samples alone
}

func (v variant) String() string {
	switch {
	case v.alone:
		return "own samples alone"
	case v.half:
		return fmt.Sprintf("half own samples alone, half own samples %g times with other ratings on their scale", v.weight)
	case v.mapped:
		return fmt.Sprintf("own samples %g times, other ratings on their scale", v.weight)
	default:
		return fmt.Sprintf("own samples %g times", v.weight)
	}
}

// variants are tried in cross-validation. The first is the default: another has to be better than chance explains.
func variants() []variant {
	return []variant{
		{weight: 3}, {weight: 1}, {weight: 3, mapped: true}, {weight: 1, mapped: true},
		{weight: 3, mapped: true, half: true}, {weight: 1, mapped: true, half: true},
		{weight: 1, alone: true}, // the last one
	}
}

// An Addition is what was learned from a base and own samples.
type Addition struct {
	Weights *embedded.Weights
	Own     int // samples; more than MostLeftOut of them are not all left out for Left
	// Variant says how they were learned from together; Alone names the capabilities for which own samples count only.
	Variant string
	Alone   []string
	// Left is the agreement on own samples with what was learned without them, Before that of the base's weights alone.
	Left, Before *agreement.Report

	sources []string // of own samples
}

// ErrUseless is the error of annotations from which nothing can be learned: what was learned agrees with others of them
// no better than chance.
var ErrUseless = errors.New("nothing can be learned from the annotations")

// leastAgreement is the mean Spearman, on own samples that were left out, below which nothing was learned.
const leastAgreement = 0.1

// Useful is an ErrUseless of an addition whose predictions for own samples that were left out agree with these no
// better than chance, which it names.
func (out *Addition) Useful() error {
	if mean := float64(out.Left.Mean.Spearman); !(mean >= leastAgreement) {
		return fmt.Errorf("%w: predictions for samples that were left out agree with them by a Spearman of %.2f, and "+
			"%.2f is needed; look at the annotations, or annotate more", ErrUseless, mean, leastAgreement)
	}
	return nil
}

// Add learns from a base and samples of one's own, which count more. How much, whether the ratings of the base are
// mapped to the scale of the own ones, and for which capabilities the base is left out, is chosen by leaving
// own samples out. builtin are the weights that were learned from the base. Under another rubric than the base's,
// use Train. The same base and samples give the same weights. The caller looks whether they are Useful.
func Add(
	ctx context.Context, base *Base, builtin *embedded.Weights, own []Sample, r *rubric.Rubric,
) (*Addition, error) {
	if !base.fits(r) {
		return nil, errors.New("the annotations are under another rubric than that of the embedded weights: " +
			"train weights on them alone")
	}
	if len(own) < LeastAdded {
		return nil, fmt.Errorf("%d annotated samples are too few to add: annotate at least %d", len(own), LeastAdded)
	}
	a := newAddition(base, builtin, subsample(own, MostLeftOut), r)
	a.all = own
	if !a.varies() {
		return nil, fmt.Errorf("%w: no capability has two different ratings in %d samples", ErrUseless, len(own))
	}
	return a.learn(ctx)
}

// An addition is the work of Add.
type addition struct {
	base      *Base
	all       []Sample // the own samples
	own       []Sample // those that are left out in their turn
	rubric    *rubric.Rubric
	builtin   *embedded.Weights
	predicted map[*embedded.Features][]float64 // of each own sample, by builtin
	// groups are the own samples that share images, also by way of others, and fold is the one of each own sample for
	// calibration, the same for all of a group.
	groups [][]int
	fold   []int
}

func newAddition(base *Base, builtin *embedded.Weights, own []Sample, r *rubric.Rubric) *addition {
	a := &addition{
		base: base, all: own, own: own, rubric: r, builtin: builtin, predicted: map[*embedded.Features][]float64{},
	}
	predictor := embedded.NewPredictor(builtin)
	for i := range own {
		a.predicted[own[i].Features] = predictor.Predict(own[i].Features)
	}
	a.group()
	return a
}

// varies reports whether there is something to learn.
func (a *addition) varies() bool {
	for c := range a.rubric.Capabilities {
		for i := range a.own {
			if a.own[i].Scores[c] != a.own[0].Scores[c] {
				return true
			}
		}
	}
	return false
}

func (a *addition) learn(ctx context.Context) (*Addition, error) {
	learned, err := a.fit(ctx)
	if err != nil {
		return nil, err
	}
	out := &Addition{Own: len(a.all), sources: (&Base{Samples: a.all}).sources()}
	joint := a.task(a.own)
	if out.Before, err = agreement.Measure(a.before(), joint.options(reportResamples)); err != nil {
		return nil, err
	}
	heads, err := a.choose(learned.left)
	if err != nil {
		return nil, err
	}
	values := chosenValues(learned.left, heads)
	if out.Left, err = agreement.Measure(a.opinions(values, heads), joint.options(reportResamples)); err != nil {
		return nil, err
	}
	out.Variant = variants()[heads[len(heads)-1]].String() // of the styles
	for h, name := range a.rubric.Capabilities {
		if heads[h] != heads[len(heads)-1] {
			out.Alone = append(out.Alone, name)
		}
	}
	if score(out.Before.Mean.Figures) > score(out.Left.Mean.Figures) {
		return out.keep(a.builtin), ctx.Err()
	}
	m, err := a.model(ctx, learned, heads)
	if err != nil {
		return nil, err
	}
	out.Weights = m.weights(a.calibrate(values, heads, func(int) bool { return true }))
	out.Weights.Reach = out.reach()
	return out, ctx.Err()
}

// keep makes what is learned the weights from before, which own samples do not improve.
func (out *Addition) keep(before *embedded.Weights) *Addition {
	same := *before // what names the annotations is not to be written into shared weights
	out.Weights, out.Left, out.Alone = &same, out.Before, nil
	out.Weights.Reach = out.reach()
	out.Variant = "own samples not at all, for they do not improve the embedded weights"
	return out
}

// reach is what own samples say of the errors.
func (out *Addition) reach() *reach.Scale {
	mean := out.Left.Mean
	return &reach.Scale{Own: &reach.Own{
		Samples: out.Own, Spearman: thousandths(known(mean.Spearman)), QWK: thousandths(known(mean.QWK)),
	}}
}

// task is what is learned from when some of the own samples are: those of the base, and then these.
func (a *addition) task(own []Sample) *task {
	return &task{samples: slices.Concat(a.base.Samples, own), rubric: a.rubric}
}

const ownFolds = 5

// group finds groups and folds.
func (a *addition) group() {
	of := (&task{samples: a.own}).imageGroups()
	numbers := slices.Compact(slices.Sorted(slices.Values(of)))
	a.groups, a.fold = make([][]int, len(numbers)), make([]int, len(a.own))
	for i, group := range of {
		at, _ := slices.BinarySearch(numbers, group)
		a.groups[at] = append(a.groups[at], i)
		a.fold[i] = at % ownFolds
	}
}
