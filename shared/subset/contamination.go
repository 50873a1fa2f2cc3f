package subset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/similarity/evaluation"
	"golang.org/x/sync/errgroup"
)

// A Contamination counts the samples of a selection's pool that are near to items of evaluation sets.
type Contamination struct {
	Sets []EvaluationSet `json:"sets"`
	// Both, Image and Text count samples by their strongest pair with an item: an image and the text are near, only an
	// image is near, or only the text is near.
	Both  int `json:"both"`
	Image int `json:"image"`
	Text  int `json:"text"`
	// Dropped is the number of samples that are left out. ImageSources counts the samples with a near image by source.
	Dropped      int            `json:"dropped"`
	ImageSources map[string]int `json:"image_sources"`
}

// An EvaluationSet is an evaluation set with which samples are compared.
type EvaluationSet struct {
	evaluation.Object
	Items  int `json:"items"`
	Images int `json:"images"`
	// Unread is the number of images that were not found or are damaged. They are not compared.
	Unread int `json:"unread,omitempty"`
	// Example is the name of an unread image; empty if no unread image has a name.
	Example string `json:"example,omitempty"`
}

// A contamination is a Contamination, which is nil without evaluation sets, and the positions of the samples to leave
// out.
type contamination struct {
	*Contamination
	dropped []uint32
	last    int64 // index of the last line, from 1
}

// evaluations identifies the evaluation sets that a request names. The error is a *run.RefusedError if a set does not
// exist.
func evaluations(ctx context.Context, source evaluation.Source, names []string) ([]evaluation.Object, error) {
	var objects []evaluation.Object
	for _, name := range names {
		object, err := source.Identify(ctx, name)
		if err != nil {
			return nil, refusedSet(err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// refusedSet converts an error of reading an evaluation set into a *run.RefusedError, if the request or the set must be
// changed. For any other error, a retry may help.
func refusedSet(err error) error {
	if fault, ok := errors.AsType[*evaluation.FaultError](err); ok {
		return &run.RefusedError{Reason: "exclude_near: " + fault.Error()}
	}
	return err
}

// contaminated compares the samples of a run with the evaluation sets of a selection, and writes the near pairs before
// the rest of the selection. It returns the stored pairs, so that a repetition gives the same result even if a set has
// changed.
func (s *Selector) contaminated(
	ctx context.Context, plan *run.Plan, pool *Pool, of identity,
) (near contamination, err error) {
	if len(of.evaluations) == 0 {
		return near, nil
	}
	sets, err := s.readSets(ctx, s.sets, plan, of.evaluations)
	if err != nil {
		return near, err
	}
	object := nearName(plan.Run, of.id)
	err = s.writeNear(ctx, object, func(write func(NearLine) error) error {
		return s.eachNear(ctx, plan, sets, of.params.Request.ExcludeImages, write)
	})
	if err != nil {
		return near, err
	}
	near = sets.nothingNear()
	err = s.readNear(ctx, plan.Run, of.id, object, func(line NearLine) error { return near.add(line, pool) })
	return near, err
}

// compareWith does the same as contaminated, but writes nothing. Without evaluation sets, it compares nothing.
func (r *Reader) compareWith(
	ctx context.Context, source evaluation.Source, plan *run.Plan, pool *Pool, objects []evaluation.Object, images bool,
) (near contamination, err error) {
	if len(objects) == 0 {
		return near, nil
	}
	sets, err := r.readSets(ctx, source, plan, objects)
	if err != nil {
		return near, err
	}
	near = sets.nothingNear()
	err = r.eachNear(ctx, plan, sets, images, func(line NearLine) error { return near.add(line, pool) })
	return near, err
}

// An evaluationSets has the items of evaluation sets, and an index that finds items near to a sample. It is shared: do
// not change it.
type evaluationSets struct {
	read  []EvaluationSet
	names []string // names of the items
	set   *similarity.Set
}

// bytes estimates the memory of the sets.
func (e *evaluationSets) bytes() int {
	images := 0
	for _, set := range e.read {
		images += set.Images
	}
	return evaluationItemBytes*len(e.names) + evaluationImageBytes*images
}

// Estimates of memory. An item has a name, a text and its questions. An image has a signature and a hash. Each item
// and image is in the 16 sorted lists of an index, and in a map by its hash.
const evaluationItemBytes, evaluationImageBytes = 600, 500

func (e *evaluationSets) nothingNear() contamination {
	return contamination{Contamination: &Contamination{Sets: e.read, ImageSources: map[string]int{}}}
}

// readSets reads evaluation sets, or finds them in memory. The error is a *run.RefusedError if a set is invalid.
func (r *Reader) readSets(
	ctx context.Context, source evaluation.Source, plan *run.Plan, objects []evaluation.Object,
) (*evaluationSets, error) {
	key := fmt.Sprint(objects, plan.Options)
	return r.read.Get(ctx, key, func(ctx context.Context) (*evaluationSets, error) {
		sets := &evaluationSets{}
		var contents []similarity.Content
		for _, object := range objects {
			set, err := source.Read(ctx, object, plan.Options.Limits, plan.Options.Images)
			if err != nil {
				return nil, refusedSet(err)
			}
			sets.read = append(sets.read, EvaluationSet{object, len(set.Items), set.Images, set.Unread, set.Example})
			for _, item := range set.Items {
				sets.names, contents = append(sets.names, item.Name), append(contents, item.Content)
			}
		}
		sets.set = similarity.NewSet(contents)
		return sets, nil
	})
}

// eachNear compares the samples of a run with evaluation sets, several ranges concurrently. It calls use with the near
// pairs, in the order of the dataset. It stops at an error of use. With images, a near image is enough to drop a
// sample.
func (r *Reader) eachNear(
	ctx context.Context, plan *run.Plan, sets *evaluationSets, images bool, use func(NearLine) error,
) error {
	for first := 0; first < len(plan.Ranges); first += reads {
		var lines [reads][]NearLine
		group, comparing := errgroup.WithContext(ctx)
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i := range min(reads, len(plan.Ranges)-first) {
			group.Go(func() (err error) {
				lines[i], err = r.nearLines(comparing, plan, first+i, sets, images)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, ofRange := range lines {
			for _, line := range ofRange {
				if err := use(line); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nearLines returns the near pairs of the samples of a range.
func (r *Reader) nearLines(
	ctx context.Context, plan *run.Plan, number int, sets *evaluationSets, images bool,
) (lines []NearLine, err error) {
	first := plan.Ranges[number].FirstIndex
	err = r.runs.ReadScores(ctx, plan, number, func(file []byte) (rows int, err error) {
		contents, err := scores.ReadSimilar(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return 0, err
		}
		for i, content := range contents {
			for _, pair := range sets.set.Match(content) {
				lines = append(lines, NearLine{
					Kind: pair.Kind.String(), Index: first + int64(i), NearTo: nearTo(sets.names[pair.Item], pair),
					Dropped: pair.Kind == similarity.Both || images && pair.Kind == similarity.ImageOnly,
				})
			}
		}
		if len(lines) == 0 {
			return len(contents), nil
		}
		ids, err := scores.ReadIDs(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return 0, err
		}
		for i := range lines {
			lines[i].ID = ids[lines[i].Index-first]
		}
		return len(contents), nil
	})
	return lines, err
}

func nearTo(name string, pair similarity.Pair) NearTo {
	near := NearTo{Near: name, TextDistance: &pair.TextDistance}
	if pair.ImageDistance >= 0 {
		near.ImageDistance = &pair.ImageDistance
	}
	return near
}

// add counts a sample by its first line, which has the strongest kind. Lines arrive in the order of the dataset.
func (c *contamination) add(line NearLine, pool *Pool) error {
	if line.Index+1 == c.last {
		return nil
	}
	switch line.Kind {
	case similarity.Both.String():
		c.Both++
	case similarity.ImageOnly.String():
		c.Image++
	default:
		c.Text++
	}
	if line.Kind == similarity.Both.String() || line.Kind == similarity.ImageOnly.String() {
		c.ImageSources[pool.Pool.SourceNames[pool.Pool.Source[line.Index]]]++
	}
	if err := c.drop(line); err != nil {
		return err
	}
	c.Dropped = len(c.dropped)
	return nil
}

// drop records a sample that is left out, at its first line.
func (c *contamination) drop(line NearLine) error {
	if line.Dropped && line.Index+1 != c.last {
		c.dropped = append(c.dropped, uint32(line.Index))
	}
	c.last = line.Index + 1
	return nil
}
