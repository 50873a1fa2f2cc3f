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
	pictureSize = 192 // pixels, the longer side
	// pictureTags is the size of a picture's HTML, without its bytes.
	pictureTags = 400
	decoders    = 4 // at the same time, at most
)

// An Opener opens the images of the samples of a run. The caller has to close them.
type Opener func(ctx context.Context, plan *run.Plan) (Images, error)

// Images reads the images of samples of a range of the run. *run.Images is one.
type Images interface {
	Close() error
	Fetch(
		ctx context.Context, r int, sample *dataset.Sample, hold *memory.Hold,
	) (images.Fetched, *dataset.Fault, error)
}

// ImagesOf opens images as a planner of the runs does.
func ImagesOf(planner *run.Planner) Opener {
	return func(ctx context.Context, plan *run.Plan) (Images, error) { return planner.OpenImages(ctx, plan) }
}

// NoImages replaces images that a report must not show or cannot reach. It says why.
func NoImages(why string) Opener {
	return func(context.Context, *run.Plan) (Images, error) { return noImages(why), nil }
}

type noImages string

// noPictures is the code of NoImages.
const noPictures = "no_pictures"

func (n noImages) Fetch(
	context.Context, int, *dataset.Sample, *memory.Hold,
) (images.Fetched, *dataset.Fault, error) {
	return images.Fetched{}, &dataset.Fault{Code: noPictures, Detail: string(n)}, nil
}

func (n noImages) Close() error { return nil }

// A picture is a small picture of an image.
type picture struct {
	data []byte // JPEG; nil if the image has a fault
	why  string // that it has none
}

// An album fills in the conversations and the pictures of a gallery.
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

// fill reads the records of all cards, each shard once, and their first images.
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
	if failed := group.Wait(); failed != nil { // it ended the reading, too
		return failed
	}
	return err
}

// show fills in a card of a range, and makes the picture of its first image.
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

// place puts pictures into the gallery in the order of the cards, each once, up to a total of so many bytes.
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
				card.NoPicture = "left out: the pictures of this report are as large as they may be"
				continue
			}
			total += takes
			ids[hash] = fmt.Sprintf("p%d", len(ids)+1)
			g.Pictures = append(g.Pictures, Picture{ID: ids[hash], Data: pictures[hash].data})
		}
		card.Picture = ids[hash]
		sources[card.Source] = true
	}
	g.Note = "This report holds no picture."
	if len(g.Pictures) > 0 {
		names := slices.Sorted(maps.Keys(sources))
		g.Note = fmt.Sprintf(
			"This report holds %s of images of %s: %s. Their owners decide whether they may be passed on; "+
				"--report-pictures none leaves them out.",
			webpage.Plural(len(g.Pictures), "small picture"),
			webpage.Plural(len(names), "source"),
			listed(names),
		)
	} else if len(g.Cards) > 0 && g.Cards[0].NoPicture != "" {
		g.Note += " The first sample says why: " + g.Cards[0].NoPicture + "."
	}
}
