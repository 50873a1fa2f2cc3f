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
	// maxWeights is the largest file of weights; weights for 14 capabilities take half a megabyte.
	maxWeights = 64 << 20
)

// weights say where the embedded scorer's weights are. If name is empty, they are in the binary; otherwise in a file or
// an object, which is read again whenever a scorer is opened.
type weights struct {
	name   string
	from   bucket.Reader // of an object; opened once, because its client keeps connections
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

// open makes the embedded scorer of the weights. A bucket that cannot be read is not a fault of the dataset.
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
