package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// A Store is where runs live: the two buckets, the topics, and what rates samples.
type Store struct {
	Input  bucket.Reader
	Work   bucket.Bucket
	Tasks  events.Publisher
	Events events.Publisher
	// OpenScorer gives the scorer of a kind for a rubric, as it is now: it is opened again for every
	// shard, so that a scorer which was replaced meanwhile is found out by its id.
	OpenScorer func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error)
	// ImageBuckets are the buckets, by name, that gs:// image names may point into. The input
	// bucket, if it is among them, is open below the run's images only.
	ImageBuckets map[string]bucket.Reader
	Now          func() time.Time

	plans    cache[*Plan]
	reports  cache[RangeReport]
	rejected cache[[]string]
	rated    cache[map[string]place]
	tables   cache[*scores.Table]
}

// ErrNoRun is the error of calls that name a run which is not there.
var ErrNoRun = errors.New("no such run")

// Plan reads a run's plan. Plans never change, so they are kept in memory.
func (s *Store) Plan(ctx context.Context, run string) (*Plan, error) {
	if !namePattern.MatchString(run) {
		return nil, fmt.Errorf("%w: %q is no run id", ErrNoRun, run)
	}
	return s.plans.get(run, func() (*Plan, error) {
		var p Plan
		if err := s.readJSON(ctx, planName(run), &p); errors.Is(err, bucket.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s", ErrNoRun, run)
		} else if err != nil {
			return nil, err
		}
		return &p, nil
	})
}

// read reads a whole object.
func (s *Store) read(ctx context.Context, name string) ([]byte, error) {
	return readAll(ctx, s.Work, name)
}

func readAll(ctx context.Context, b bucket.Reader, name string) ([]byte, error) {
	r, err := b.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

func (s *Store) readJSON(ctx context.Context, name string, v any) error {
	data, err := s.read(ctx, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

func (s *Store) exists(ctx context.Context, name string) (bool, error) {
	switch _, err := s.Work.Stat(ctx, name); {
	case err == nil:
		return true, nil
	case errors.Is(err, bucket.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("looking for %s: %w", name, err)
	}
}

// create writes an object unless it is there already, and tells whether it wrote it.
func (s *Store) create(ctx context.Context, name string, write func(io.Writer) error) (bool, error) {
	switch err := s.Work.Create(ctx, name, write); {
	case err == nil:
		return true, nil
	case errors.Is(err, bucket.ErrExists):
		return false, nil
	default:
		return false, fmt.Errorf("writing %s: %w", name, err)
	}
}

func (s *Store) createJSON(ctx context.Context, name string, v any) (bool, error) {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return false, fmt.Errorf("encoding %s: %w", name, err)
	}
	return s.create(ctx, name, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(append(data, '\n')))
		return err
	})
}

// cache keeps values that never change. It forgets everything when it holds cacheSize of them.
type cache[V any] struct {
	mu     sync.Mutex
	values map[string]V
}

const cacheSize = 16

func (c *cache[V]) get(key string, load func() (V, error)) (V, error) {
	c.mu.Lock()
	v, ok := c.values[key]
	c.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil || len(c.values) >= cacheSize {
		c.values = map[string]V{}
	}
	c.values[key] = v
	return v, nil
}
