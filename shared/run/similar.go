package run

import (
	"context"
	"image"
	"runtime"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// signTexts sets the signature and the hashes of a sample's questions, and its template.
func signTexts(rec *scores.Record, sample *dataset.Sample) {
	questions := similarity.Questions(sample)
	text := similarity.TextOf(questions)
	rec.Words, rec.Questions = text.Words.String(), nil
	for _, q := range text.Questions {
		rec.Questions = append(rec.Questions, strconv.FormatUint(q, 16))
	}
	if len(questions) > 0 {
		rec.Template = similarity.Template(questions[0])
	}
}

// measure sets the sizes of a sample's images. fetched has all encoded images, or none.
func measure(rec *scores.Record, sample *dataset.Sample, fetched [][]byte) {
	rec.Sizes = nil
	if len(sample.Images) > 0 {
		rec.Sizes = make([]string, len(sample.Images))
	}
	for i, data := range fetched {
		if size, fault := images.Measure(data); fault == nil {
			rec.Sizes[i] = scores.SizeText(size.Width, size.Height)
		}
	}
}

// A lookout makes the signatures of the images of a batch. If the scorer decodes an image, the lookout uses the
// scorer's picture.
type lookout struct {
	batch *batch
	made  [][]bool // whether the signature exists, for each image of each item
	looks [][]similarity.Image
}

// lookBytes is the memory of a signature in the cache of a loader, with its key.
const lookBytes = 128 + 16 + 200

// watch returns a lookout that receives the pictures that the scorer decodes.
func (b *batch) watch() *lookout {
	l := &lookout{b, make([][]bool, len(b.items)), make([][]similarity.Image, len(b.items))}
	for j := range b.items {
		encoded := b.items[j].Images
		l.made[j], l.looks[j] = make([]bool, len(encoded)), make([]similarity.Image, len(encoded))
		b.items[j].Decoded = func(i int, picture image.Image) {
			l.looks[j][i], l.made[j][i] = similarity.OfImage(picture, images.Orientation(encoded[i])), true
		}
	}
	return l
}

// sign completes the signatures and writes them to the records. It decodes images that neither the scorer nor an
// earlier batch has decoded. An image that cannot be decoded has an empty signature.
func (l *lookout) sign(ctx context.Context, budget *memory.Budget, records []scores.Record) error {
	for j, made := range l.made {
		for i := range made {
			if made[i] {
				l.batch.looks.Keep(records[l.batch.at[j]].Images[i], l.looks[j][i])
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for j := range l.batch.items {
		group.Go(func() error { return l.complete(ctx, budget, j, &records[l.batch.at[j]]) })
	}
	return group.Wait()
}

func (l *lookout) complete(ctx context.Context, budget *memory.Budget, j int, rec *scores.Record) error {
	rec.Looks = make([]string, len(l.looks[j]))
	for i, data := range l.batch.items[j].Images {
		if !l.made[j][i] {
			known, ok := l.batch.looks.Lookup(rec.Images[i])
			if ok {
				l.looks[j][i] = known
			} else if fault, err := images.DecodeOnWhite(ctx, data, budget, func(picture image.Image) {
				l.batch.items[j].Decoded(i, picture)
			}); err != nil {
				return err
			} else if fault == nil {
				l.batch.looks.Keep(rec.Images[i], l.looks[j][i])
			}
		}
		rec.Looks[i] = l.looks[j][i].String()
	}
	return nil
}
