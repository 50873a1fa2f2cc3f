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

// LeastAdded is the least number of samples that can be added to a base.
const LeastAdded = 10

// MostLeftOut is the largest number of the user's samples that are held out, one after the other, to choose a variant
// and to measure it. Of more samples, this many are held out, evenly spaced: the time grows with the cube of the
// number. The weights are trained on all samples.
const MostLeftOut = 2000

// A variant is a way to train on a base and the user's samples together.
type variant struct {
	weight float64 // of each of the user's samples; a sample of the base has weight 1
	mapped bool    // whether the labels of the base are mapped to the scale of the user's labels
	alone  bool    // whether training uses only the user's samples
	half   bool    // whether the model is the mean of two: the variant without half, and the user's samples alone
}

func (v variant) String() string {
	switch {
	case v.alone:
		return "only your samples"
	case v.half:
		return fmt.Sprintf("the mean of two models, the first from only your samples, the second from all samples, with "+
			"weight %g for yours and other ratings mapped to their scale", v.weight)
	case v.mapped:
		return fmt.Sprintf("your samples have weight %g, other ratings are mapped to their scale", v.weight)
	default:
		return fmt.Sprintf("your samples have weight %g", v.weight)
	}
}

// variants returns the variants that cross-validation compares. The first is the default. Another variant is chosen
// only if it is better than chance explains.
func variants() []variant {
	return []variant{
		{weight: 3}, {weight: 1}, {weight: 3, mapped: true}, {weight: 1, mapped: true},
		{weight: 3, mapped: true, half: true}, {weight: 1, mapped: true, half: true},
		{weight: 1, alone: true}, // must be the last
	}
}

// An Addition is the result of training on a base and the user's samples.
type Addition struct {
	Weights *embedded.Weights
	Own     int // number of the user's samples; Left has at most MostLeftOut of them
	// Variant describes how the samples were combined. Alone lists the capabilities that were trained only on the user's
	// samples.
	Variant string
	Alone   []string
	// Unused says that the weights are the base's, because the user's samples do not improve them. NoBase says that all
	// heads were trained only on the user's samples.
	Unused, NoBase bool
	// Left is the agreement on the user's samples of models that were trained without them. Before is the agreement of the
	// base's weights on the same samples.
	Left, Before *agreement.Report

	sources []string // the sources of the user's samples
}

// ErrUseless is the error for annotations from which nothing can be learned: the trained models agree with held-out
// annotations no better than chance.
var ErrUseless = errors.New("nothing can be learned from the annotations")

// leastAgreement is the least mean Spearman correlation, on held-out samples of the user, of a useful addition.
const leastAgreement = 0.1

// Useful returns nil if the predictions for held-out samples agree with the user's annotations better than chance.
// Otherwise it returns an error that wraps ErrUseless and gives the agreement.
func (out *Addition) Useful() error {
	if mean := float64(out.Left.Mean.Spearman); !(mean >= leastAgreement) {
		return fmt.Errorf("%w: the Spearman correlation of predictions for held-out samples with them is %.2f, but must "+
			"be at least %.2f; check the annotations, or annotate more samples", ErrUseless, mean, leastAgreement)
	}
	return nil
}

// Add trains weights on a base and the user's samples, own. The user's samples have more weight. Cross-validation over
// the user's samples chooses how much weight they have, whether the base's ratings are mapped to the scale of the
// user's ratings, and for which capabilities the base is not used. builtin are the weights that were trained on the
// base. For a rubric that differs from the base's, use Train. The same base and samples give the same weights. The
// caller must check the result with Useful.
func Add(
	ctx context.Context, base *Base, builtin *embedded.Weights, own []Sample, r *rubric.Rubric,
) (*Addition, error) {
	if !base.fits(r) {
		return nil, errors.New("the rubric of the annotations is not the rubric of the embedded weights: " +
			"train weights on only these annotations")
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

// An addition has the state of a call of Add.
type addition struct {
	base      *Base
	all       []Sample // all of the user's samples
	own       []Sample // the user's samples that are held out, one group after the other
	rubric    *rubric.Rubric
	builtin   *embedded.Weights
	predicted map[*embedded.Features][]float64 // what builtin predicts for each sample of own
	// groups divide own into samples that share images, directly or through others. fold is the calibration fold of each
	// sample of own; all samples of a group have the same fold.
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

// varies reports whether at least one capability has two different ratings in own.
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
	out.Variant = variants()[heads[len(heads)-1]].String() // styles always have the chosen variant
	out.NoBase = variants()[heads[len(heads)-1]].alone     // then the capabilities have this variant, too
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

// keep sets the result to the earlier weights, because the user's samples do not improve them.
func (out *Addition) keep(before *embedded.Weights) *Addition {
	same := *before // a copy, because other callers share the weights and this function changes Reach
	out.Weights, out.Left, out.Alone = &same, out.Before, nil
	out.Unused, out.NoBase = true, false
	out.Weights.Reach = out.reach()
	out.Variant = "your samples are not used, because they do not improve the embedded weights"
	return out
}

// reach returns the scale of errors that the user's held-out samples show.
func (out *Addition) reach() *reach.Scale {
	mean := out.Left.Mean
	return &reach.Scale{Own: &reach.Own{
		Samples: out.Own, Spearman: thousandths(known(mean.Spearman)), QWK: thousandths(known(mean.QWK)),
	}}
}

// task returns the task of training on the samples of the base, followed by own.
func (a *addition) task(own []Sample) *task {
	return &task{samples: slices.Concat(a.base.Samples, own), rubric: a.rubric}
}

const ownFolds = 5

// group sets groups and fold.
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
