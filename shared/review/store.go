package review

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"golang.org/x/sync/errgroup"
)

// A Store stores the verdicts from pages in a work bucket, each as a separate object.
type Store struct{ work bucket.Bucket }

// NewStore returns the store in a bucket.
func NewStore(work bucket.Bucket) (*Store, error) {
	if work == nil {
		return nil, errors.New("making a review.Store: its bucket is missing")
	}
	return &Store{work}, nil
}

// verdictsPrefix returns the prefix of the verdicts of a reviewer.
func verdictsPrefix(r Request, reviewer string) string {
	against := r.Against
	if against == "" {
		against = "left"
	}
	return fmt.Sprintf("%sreviews/%s.%s.%d.%d/%s/", run.Folder(r.Run), r.A, against, r.Pairs, r.Seed, reviewer)
}

// verdictName returns the object name of a verdict.
func verdictName(r Request, reviewer string, pair int) string {
	return fmt.Sprintf("%s%05d.json", verdictsPrefix(r, reviewer), pair)
}

// Add stores a verdict. If the reviewer has already judged the pair, the first verdict is kept.
func (s *Store) Add(ctx context.Context, v Verdict) error {
	_, err := bucket.CreateJSON(ctx, s.work, verdictName(v.Request, v.Reviewer, v.Number), v)
	return err
}

// Judged returns the numbers of the pairs that a reviewer has judged.
func (s *Store) Judged(ctx context.Context, r Request, reviewer string) (map[int]bool, error) {
	return bucket.Numbers(ctx, s.work, verdictsPrefix(r, reviewer), ".json")
}

// reads is the largest number of verdicts that are read concurrently.
const reads = 16

// Verdicts returns a reviewer's verdicts, in the order of the pairs.
func (s *Store) Verdicts(ctx context.Context, r Request, reviewer string) ([]Verdict, error) {
	judged, err := s.Judged(ctx, r, reviewer)
	if err != nil {
		return nil, err
	}
	numbers := slices.Sorted(maps.Keys(judged))
	all := make([]Verdict, len(numbers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
	for i, number := range numbers {
		group.Go(func() error { return bucket.ReadJSON(ctx, s.work, verdictName(r, reviewer, number), &all[i]) })
	}
	return all, group.Wait()
}
