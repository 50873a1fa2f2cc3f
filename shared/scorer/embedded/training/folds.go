package training

import (
	"context"
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"golang.org/x/sync/errgroup"
)

// folds returns the number of folds of the cross-validation over images, and the largest number of folds of the
// cross-validation over sources. With few samples there are more folds, so that each model is trained on more samples.
// With many samples, more folds would take too long.
func (t *task) folds() (images, sources int) {
	if len(t.samples) <= 1500 {
		return 10, 24
	}
	return 5, 8
}

// A crossValidation is one division of the samples into folds.
type crossValidation struct {
	fold  []int // the fold of each sample
	folds int   // number of folds
	// values has, by penalty, sample and head, the prediction of the model that was trained without the sample's fold.
	values [][][]float64
	// distances has each sample's distance from the nearest prototype of the same model.
	distances []int
}

func (t *task) newValidation(fold []int, folds int) *crossValidation {
	p := &crossValidation{
		fold: fold, folds: folds, values: make([][][]float64, len(penalties)), distances: make([]int, len(fold)),
	}
	for i := range p.values {
		p.values[i] = make([][]float64, len(t.samples))
	}
	return p
}

// imageGroups returns, for each sample, the index of the sample that represents its group. The samples of a group share
// images, directly or through others.
func (t *task) imageGroups() []int {
	parent := all(len(t.samples))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[string]int{}
	for i := range t.samples {
		for _, image := range t.samples[i].Images {
			if j, seen := first[image]; seen {
				a, b := root(i), root(j)
				parent[max(a, b)] = min(a, b)
			} else {
				first[image] = i
			}
		}
	}
	groups := make([]int, len(t.samples))
	for i := range groups {
		groups[i] = root(i)
	}
	return groups
}

// byImage divides the samples into folds. Samples that share an image, directly or through others, are in one fold.
func (t *task) byImage() *crossValidation {
	folds, _ := t.folds()
	fold := make([]int, len(t.samples))
	for i, group := range t.imageGroups() {
		fold[i] = foldOf(t.samples[group].ID, folds)
	}
	return t.newValidation(fold, folds)
}

// foldOf maps a name to a number below n. The same name always has the same number.
func foldOf(name string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum64() >> 20 % uint64(n))
}

// bySource divides the samples into folds by source. If there are not too many sources, each has its own fold. If there
// are enough families, the sources of a family are in one fold. It returns nil if there is only one source.
func (t *task) bySource() *crossValidation {
	names := t.distinct(family)
	of := family
	if len(names) < leastFamilies {
		of = func(source string) string { return source }
		names = t.distinct(of)
	}
	if len(names) < 2 {
		return nil
	}
	_, folds := t.folds()
	folds = min(folds, len(names))
	fold := make([]int, len(t.samples))
	for i := range fold {
		at, _ := slices.BinarySearch(names, of(t.samples[i].Source))
		fold[i] = at % folds
	}
	return t.newValidation(fold, folds)
}

// leastFamilies is the least number of families at which folds have whole families.
const leastFamilies = 8

// family returns the name of a source up to its first separator. The sources of a family, such as the books of a
// series, share templates. So a model that was trained on some sources of a family has seen a part of the others.
func family(source string) string {
	name, _, _ := strings.Cut(strings.NewReplacer("-", "_", "/", "_", ".", "_").Replace(source), "_")
	return name
}

// distinct returns the different names of the samples' sources, in ascending order.
func (t *task) distinct(name func(source string) string) []string {
	var names []string
	for i := range t.samples {
		names = append(names, name(t.samples[i].Source))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// validate computes the values and the distances of the validations.
func (t *task) validate(ctx context.Context, validations []*crossValidation, progress func(done, total int)) error {
	total := len(validations) * len(t.samples)
	var mu sync.Mutex
	done := 0
	report := func(samples int) {
		mu.Lock()
		defer mu.Unlock()
		done += samples
		if progress != nil && samples > 0 {
			progress(done, total)
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range validations {
		for k := range p.folds {
			work.Go(func() error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				left, err := t.leaveOut(p, k)
				report(left)
				return err
			})
		}
	}
	return work.Wait()
}

// leaveOut trains models on the samples of the other folds, and predicts the samples of this fold. It returns the
// number of these samples.
func (t *task) leaveOut(p *crossValidation, fold int) (int, error) {
	var learn, left []int
	for i, f := range p.fold {
		if f == fold {
			left = append(left, i)
		} else {
			learn = append(learn, i)
		}
	}
	if len(left) == 0 {
		return 0, nil
	}
	d, err := t.design(learn)
	if err != nil {
		return 0, err
	}
	h, distance := embedded.Header{Mean: d.mean, Scale: d.scale}, embedded.Distances(d.prototypes)
	for _, i := range left {
		p.distances[i] = distance(h.Position(t.samples[i].Features))
	}
	for k, penalty := range penalties {
		m, err := d.fit(slices.Repeat([]float64{penalty}, t.heads()))
		if err != nil {
			return 0, err
		}
		for _, i := range left {
			p.values[k][i] = m.predict(t.samples[i].Features)
		}
	}
	return len(left), nil
}
