package kinds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

const (
	gsPrefix = "gs://"
	// maxWeights is the size of the largest accepted file of weights, in bytes; a file for 14 capabilities has half a
	// megabyte.
	maxWeights = 64 << 20
)

// weights is the location of the embedded scorer's weights. If name is empty, the weights are part of the program.
// Otherwise they are in a file or an object, which is read each time a scorer is opened.
type weights struct {
	name   string
	from   bucket.Reader // bucket of the object; nil for a file; opened once, so that its connections are reused
	object string
}

func newWeights(name string) (weights, error) {
	at, isObject := strings.CutPrefix(name, gsPrefix)
	if !isObject {
		return weights{name: name}, nil
	}
	in, object, _ := strings.Cut(at, "/")
	from, err := gs.OpenURL(context.Background(), gsPrefix+in)
	if err != nil {
		return weights{}, err
	}
	return weights{name, from, object}, nil
}

// open returns the embedded scorer with the weights. If a bucket cannot be read, the error is a scorer.ErrUnavailable,
// because the dataset is not its cause.
func (w weights) open(ctx context.Context, r *rubric.Rubric, budget *memory.Budget) (scorer.Scorer, error) {
	if w.name == "" {
		s, err := embedded.New(r, budget)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	data, err := w.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading weights: %w", err)
	}
	s, err := embedded.Load(data, r, budget)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	return s, nil
}

func (w weights) read(ctx context.Context) ([]byte, error) {
	if w.from == nil {
		return bucket.ReadWholeFile(w.name, maxWeights)
	}
	data, err := bucket.ReadWhole(ctx, w.from, w.object, maxWeights)
	if large, ok := errors.AsType[*bucket.TooLargeError](err); ok {
		large.Name = w.name
		return nil, large
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", scorer.ErrUnavailable, err)
	}
	return data, nil
}
