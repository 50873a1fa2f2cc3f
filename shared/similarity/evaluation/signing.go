package evaluation

import (
	"cmp"
	"context"
	"io"
	"runtime"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// A signing makes the contents of items, several concurrently.
type signing struct {
	base   string // of the file's name
	limits images.Limits
	memory *memory.Budget
	group  *errgroup.Group
	items  []*signedItem
	byID   map[string]*signedItem
}

type signedItem struct {
	Item
	unread  int
	missing string // the name of an image that is not read, if it has one
	// same is an earlier item whose images are its own.
	same *signedItem
}

func newSigning(
	ctx context.Context, base string, limits images.Limits, budget *memory.Budget,
) (*signing, context.Context) {
	s := &signing{base: base, limits: limits, memory: budget, byID: map[string]*signedItem{}}
	s.group, ctx = errgroup.WithContext(ctx)
	s.group.SetLimit(runtime.GOMAXPROCS(0))
	return s, ctx
}

// add adds a sample as an item. A sample with a fault is left out.
func (r *reading) add(ctx context.Context, sample *dataset.Sample) error {
	if sample.Problem != nil || ctx.Err() != nil {
		return ctx.Err()
	}
	item := &signedItem{Item: Item{Name: r.base + "#" + sample.ID}}
	if item.Text = similarity.TextOf(similarity.Questions(sample)); len(sample.Turns) == 0 {
		item.Text = similarity.Text{}
	}
	r.items = append(r.items, item)
	if len(sample.Images) == 1 {
		if item.same = r.byID[sample.Images[0].Name]; item.same != nil {
			return nil
		}
	}
	if _, known := r.byID[sample.ID]; !known {
		r.byID[sample.ID] = item
	}
	record := sample.Record()
	pictures := sample.Images
	r.group.Go(func() error {
		for _, img := range pictures {
			data, err := r.data(ctx, record, img)
			if err != nil {
				return err
			}
			look, ok, err := r.look(ctx, data)
			if err != nil {
				return err
			}
			if !ok {
				item.unread, item.missing = item.unread+1, img.Name
				continue
			}
			item.Hashes = append(item.Hashes, images.HashOf(data).Short())
			item.Images = append(item.Images, look)
		}
		return nil
	})
	return nil
}

// data reads an image; nil if it cannot be read, whatever is tried.
func (r *reading) data(ctx context.Context, record dataset.Record, img dataset.Image) ([]byte, error) {
	switch {
	case img.Data != nil:
		return img.Data, nil
	case img.Embedded > 0 && r.held != nil:
		data, fault, err := r.held.Read(ctx, record, img.Embedded-1)
		if fault != nil {
			return nil, err
		}
		return data, err
	}
	at, fault, err := r.named.Locate(ctx, img.Name)
	if fault != nil || err != nil || at.Size > r.limits.MaxBytes {
		return nil, err
	}
	body, err := at.Bucket.Open(ctx, at.Name, at.Generation, 0, -1)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// look is what is kept of an encoded image; false if it is not read.
func (s *signing) look(ctx context.Context, data []byte) (look similarity.Image, ok bool, err error) {
	if images.Check(data, s.limits) != nil {
		return look, false, nil
	}
	size, fault := images.Measure(data)
	if fault != nil {
		return look, false, nil
	}
	return look, ok, s.memory.Step(ctx, size.Decoded, func() {
		picture, fault := images.Decode(data)
		if ok = fault == nil; ok {
			look = similarity.OfImage(images.OnWhite(picture), images.Orientation(data))
		}
	})
}

// wait waits for what was begun.
func (s *signing) wait() error { return s.group.Wait() }

// result is the set when all are added and done.
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
