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

// signTexts sets what finds samples with equal and similar questions.
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

// measure sets the sizes of a sample's images; fetched are those that were read, all of them or none.
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

// A lookout makes the signatures of the images of a batch. If the scorer decodes an image, it uses the scorer's
// picture.
type lookout struct {
	batch *batch
	made  [][]bool // of each item's images
	looks [][]similarity.Image
}

// watch makes the scorer pass on the pictures that it decodes.
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

// sign completes the signatures and puts them into the records: it decodes what the scorer did not. An image that does
// not decode has none.
func (l *lookout) sign(ctx context.Context, budget *memory.Budget, records []scores.Record) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for j := range l.batch.items {
		group.Go(func() error { return l.complete(ctx, budget, j, &records[l.batch.at[j]]) })
	}
	return group.Wait()
}

func (l *lookout) complete(ctx context.Context, budget *memory.Budget, j int, rec *scores.Record) error {
	known := map[string]int{} // by the hash of the bytes, where its signature is
	for i, made := range l.made[j] {
		if made {
			known[rec.Images[i]] = i
		}
	}
	rec.Looks = make([]string, len(l.looks[j]))
	for i, data := range l.batch.items[j].Images {
		if at, ok := known[rec.Images[i]]; ok {
			l.looks[j][i] = l.looks[j][at]
		} else if _, err := images.DecodeOnWhite(ctx, data, budget, func(picture image.Image) {
			l.batch.items[j].Decoded(i, picture)
		}); err != nil {
			return err
		}
		known[rec.Images[i]] = i
		rec.Looks[i] = l.looks[j][i].String()
	}
	return nil
}
