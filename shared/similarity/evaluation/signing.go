package evaluation

import (
	"cmp"
	"context"
	"image"
	"runtime"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// A signing computes the contents of items, several at a time.
type signing struct {
	base   string // the file's name without its folder
	memory *memory.Budget
	group  *errgroup.Group
	items  []*signedItem
	byID   map[string]*signedItem
}

type signedItem struct {
	Item
	unread  int
	missing string // name of an unread image; empty if no unread image has a name
	// same is an earlier item with the same images; nil if there is none.
	same *signedItem
}

func newSigning(ctx context.Context, base string, budget *memory.Budget) (*signing, context.Context) {
	s := &signing{base: base, memory: budget, byID: map[string]*signedItem{}}
	s.group, ctx = errgroup.WithContext(ctx)
	s.group.SetLimit(runtime.GOMAXPROCS(0))
	return s, ctx
}

// add adds a sample as an item. It ignores a sample with a fault.
func (r *reading) add(ctx context.Context, sample *dataset.Sample) error {
	r.last = sample.Problem
	if sample.Problem != nil || ctx.Err() != nil {
		return ctx.Err()
	}
	item := &signedItem{Item: Item{Name: r.base + "#" + sample.ID}}
	if item.Text = similarity.TextOf(similarity.Questions(sample)); len(sample.Turns) == 0 {
		item.Text = similarity.Text{}
	}
	r.items = append(r.items, item)
	if len(sample.Images) == 1 && sample.Images[0].Name != "" {
		if item.same = r.byID[sample.Images[0].Name]; item.same != nil {
			return nil
		}
	}
	if _, known := r.byID[sample.ID]; !known {
		r.byID[sample.ID] = item
	}
	r.group.Go(func() error {
		for k := range sample.Images {
			one := *sample
			one.Images = sample.Images[k : k+1]
			if err := r.image(ctx, item, &one); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// image adds an image to an item.
func (r *reading) image(ctx context.Context, item *signedItem, sample *dataset.Sample) error {
	img := sample.Images[0]
	hold := r.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := r.named.Fetch(ctx, sample, r.held, hold)
	if err != nil {
		return err
	}
	var look similarity.Image
	if fault == nil {
		data := fetched.Images[0]
		fault, err = images.DecodeOnWhite(ctx, data, r.memory, func(picture image.Image) {
			look = similarity.OfImage(picture, images.Orientation(data))
		})
		if err != nil {
			return err
		}
	}
	if fault != nil {
		item.unread, item.missing = item.unread+1, img.Name
		return nil
	}
	item.Hashes = append(item.Hashes, images.HashOf(fetched.Images[0]).Short())
	item.Images = append(item.Images, look)
	return nil
}

// wait waits for the running work.
func (s *signing) wait() error { return s.group.Wait() }

// result returns the content of the set. Call it after wait.
func (s *signing) result() *Result {
	result := &Result{}
	for _, item := range s.items {
		if item.same != nil {
			item.Hashes, item.Images = item.same.Hashes, item.same.Images
		}
		result.Images += len(item.Images)
		result.Unread += item.unread
		result.Example = cmp.Or(result.Example, item.missing)
		result.Items = append(result.Items, item.Item)
	}
	return result
}
