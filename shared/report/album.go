package report

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"golang.org/x/sync/errgroup"
)

const (
	pictureSize = 192 // longer side in pixels
	// pictureTags is the size of a picture's HTML in bytes, without the picture.
	pictureTags = 400
	decoders    = 4 // largest number of pictures that are decoded concurrently
)

// An Opener opens the images of the samples of a run. The caller closes them.
type Opener func(ctx context.Context, plan *run.Plan) (Images, error)

// Images reads the images of samples of a range of the run. *run.Images implements it.
type Images interface {
	Close() error
	Fetch(
		ctx context.Context, r int, sample *dataset.Sample, hold *memory.Hold,
	) (images.Fetched, *dataset.Fault, error)
}

// ImagesOf returns an Opener that uses a planner of runs.
func ImagesOf(planner *run.Planner) Opener {
	return func(ctx context.Context, plan *run.Plan) (Images, error) { return planner.OpenImages(ctx, plan) }
}

// NoImages returns an Opener for reports that must not show images, or that cannot reach them. The report shows why as
// the reason.
func NoImages(why string) Opener {
	return func(context.Context, *run.Plan) (Images, error) { return noImages(why), nil }
}

type noImages string

// noPictures is the reason code of NoImages.
const noPictures = "no_pictures"

func (n noImages) Fetch(
	context.Context, int, *dataset.Sample, *memory.Hold,
) (images.Fetched, *dataset.Fault, error) {
	return images.Fetched{}, &dataset.Fault{Code: noPictures, Detail: string(n)}, nil
}

func (n noImages) Close() error { return nil }

// A picture is a reduced copy of an image.
type picture struct {
	data []byte // JPEG; nil if the image cannot be shown
	why  string // the reason if data is nil
}

// An album adds the conversations and the pictures to a gallery.
type album struct {
	subsets *subset.Reader
	images  Images
	limits  images.Limits
	memory  *memory.Budget

	mu       sync.Mutex
	pictures map[images.Hash]picture
	shown    map[*Card]images.Hash
}

func newAlbum(c Config, subsets *subset.Reader, pictures Images, limits images.Limits) *album {
	return &album{
		subsets: subsets, images: pictures, memory: c.Memory, limits: limits,
		pictures: map[images.Hash]picture{}, shown: map[*Card]images.Hash{},
	}
}

// fill reads the records of all cards, each shard once, and the first image of each card.
func (a *album) fill(ctx context.Context, plan *run.Plan, g *Gallery) error {
	cards := map[int64]*Card{}
	for _, card := range g.Cards {
		cards[int64(card.sample)] = card
	}
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(min(runtime.GOMAXPROCS(0), decoders))
	indexes := slices.Collect(maps.Keys(cards))
	err := a.subsets.EachSample(working, plan, indexes, func(index int64, sample *dataset.Sample) error {
		group.Go(func() error {
			card := cards[index]
			hash, shown, err := a.show(working, plan.RangeOf(index), card, sample)
			if shown {
				a.mu.Lock()
				defer a.mu.Unlock()
				a.shown[card] = hash
			}
			return err
		})
		return nil
	})
	if failed := group.Wait(); failed != nil { // this error has also ended EachSample
		return failed
	}
	return err
}

// show adds the conversation to the card of a sample in range r, and makes the picture of the sample's first image. It
// returns the hash of the image, and whether there is a picture.
func (a *album) show(ctx context.Context, r int, card *Card, sample *dataset.Sample) (images.Hash, bool, error) {
	card.converse(sample)
	if card.Images == 0 {
		card.NoPicture = "text only"
		return images.Hash{}, false, nil
	}
	one := *sample
	one.Images = sample.Images[:1]
	hold := a.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := a.images.Fetch(ctx, r, &one, hold)
	if err != nil {
		return images.Hash{}, false, err
	}
	if fault != nil {
		card.NoPicture = webpage.Clip(fault.Reason(), maxWhy)
		if fault.Code == noPictures {
			card.NoPicture = fault.Detail
		}
		return images.Hash{}, false, nil
	}
	hash := images.HashOf(fetched.Images[0])
	a.mu.Lock()
	made, there := a.pictures[hash]
	a.mu.Unlock()
	if !there {
		if made.data, fault, err = images.Picture(ctx, a.memory, fetched.Images[0], pictureSize, a.limits); err != nil {
			return images.Hash{}, false, err
		} else if fault != nil {
			made.why = webpage.Clip(fault.Reason(), maxWhy)
		}
		a.mu.Lock()
		a.pictures[hash] = made
		a.mu.Unlock()
	}
	card.NoPicture = made.why
	return hash, made.data != nil, nil
}

// place adds pictures to the gallery in the order of the cards, each once. The pictures have at most `most` bytes of
// HTML in total.
func (g *Gallery) place(shown map[*Card]images.Hash, pictures map[images.Hash]picture, most int) {
	ids := map[images.Hash]string{}
	total := 0
	sources := map[string]bool{}
	for _, card := range g.Cards {
		hash, there := shown[card]
		if !there {
			continue
		}
		if ids[hash] == "" {
			takes := base64.StdEncoding.EncodedLen(len(pictures[hash].data)) + pictureTags
			if total+takes > most {
				card.NoPicture = "left out: the pictures of this report already have the largest allowed size"
				continue
			}
			total += takes
			ids[hash] = fmt.Sprintf("p%d", len(ids)+1)
			g.Pictures = append(g.Pictures, Picture{ID: ids[hash], Data: pictures[hash].data})
		}
		card.Picture = ids[hash]
		sources[card.Source] = true
	}
	g.Note = "This page has no picture."
	if len(g.Pictures) > 0 {
		names := slices.Sorted(maps.Keys(sources))
		g.Note = fmt.Sprintf(
			"This page has %s of images of %s: %s. The owners of the images decide whether they may be shared. "+
				"With --report-pictures none, the report of a selection has no pictures.",
			webpage.Plural(len(g.Pictures), "small picture"),
			webpage.Plural(len(names), "source"),
			listed(names),
		)
	} else if len(g.Cards) > 0 && g.Cards[0].NoPicture != "" {
		g.Note += " The reason for the first sample: " + g.Cards[0].NoPicture + "."
	}
}
