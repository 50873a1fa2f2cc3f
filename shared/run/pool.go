package run

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// rangeScores are the columns of one range that selection needs, and its samples' ids.
type rangeScores struct {
	*scores.Columns
	ids []string
}

// pool reads the scores of a run into the form that selection takes, and the samples' ids.
func (s *Store) pool(ctx context.Context, plan *Plan, seed uint64) (*selection.Pool, []string, error) {
	ranges := make([]rangeScores, len(plan.Ranges))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for r := range ranges {
		group.Go(func() (err error) {
			ranges[r], err = s.rangeColumns(ctx, plan, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	pool := selection.NewPool(plan.Rubric.Capabilities...)
	pool.Expected = make([][]uint16, len(plan.Rubric.Capabilities))
	ids := make([]string, 0, plan.Samples)
	sources, styles := names{all: &pool.SourceNames}, names{all: &pool.StyleNames}
	for _, style := range plan.Rubric.Styles {
		styles.id(style) // in the rubric's order, for summaries
	}
	for r, columns := range ranges {
		appendRange(pool, columns.Columns, &sources, &styles, seed)
		ids = append(ids, columns.ids...)
		ranges[r] = rangeScores{}
	}
	return pool, ids, nil
}

func (s *Store) rangeColumns(ctx context.Context, plan *Plan, r int) (rangeScores, error) {
	name := rangeScoresName(plan.Run, r)
	data, err := s.read(ctx, name)
	if err != nil {
		return rangeScores{}, err
	}
	file := newReaderAt(data)
	columns, err := scores.ReadColumns(file, int64(len(data)), plan.Rubric.Capabilities...)
	if err != nil {
		return rangeScores{}, fmt.Errorf("reading %s: %w", name, err)
	}
	ids, err := scores.ReadIDs(file, int64(len(data)))
	if err != nil {
		return rangeScores{}, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(ids)) != plan.Ranges[r].Span.Records {
		return rangeScores{}, fmt.Errorf("reading %s: it has %d samples, and the plan %d", name, len(ids), plan.Ranges[r].Span.Records)
	}
	return rangeScores{columns, ids}, nil
}

// appendRange appends a range's samples to a pool. What was not scored has no ratings and no styles, and so is never picked.
func appendRange(pool *selection.Pool, columns *scores.Columns, sources, styles *names, seed uint64) {
	for c := range columns.Ratings {
		for i, r := range columns.Ratings[c] {
			rating, expected := int16(r), columns.Expected[c][i]
			if r == scorer.Missing {
				rating, expected = selection.Missing, 0
			} else if expected == scores.MissingExpected {
				expected = uint16(r) * scores.ExpectedUnits
			}
			pool.Ratings[c] = append(pool.Ratings[c], rating)
			pool.Expected[c] = append(pool.Expected[c], expected)
		}
	}
	for i := range columns.Source {
		pool.Source = append(pool.Source, sources.id(columns.SourceNames[columns.Source[i]]))
		pool.Tie = append(pool.Tie, tie(columns.Content[i], seed))
		for _, style := range columns.Style[columns.StyleStart[i]:columns.StyleStart[i+1]] {
			pool.Style = append(pool.Style, styles.id(columns.StyleNames[style]))
		}
		pool.StyleStart = append(pool.StyleStart, uint32(len(pool.Style)))
	}
}

// names gives every name one number, in order of first appearance.
type names struct {
	all *[]string
	ids map[string]uint32
}

func (n *names) id(name string) uint32 {
	id, known := n.ids[name]
	if !known {
		if n.ids == nil {
			n.ids = map[string]uint32{}
		}
		id = uint32(len(*n.all))
		n.ids[name] = id
		*n.all = append(*n.all, name)
	}
	return id
}

// tie is the last word among equals: a hash of the sample's content and the seed.
func tie(content string, seed uint64) uint64 {
	raw, err := hex.DecodeString(content)
	if err != nil {
		raw = []byte(content)
	}
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(raw, seed))
	return h.Sum64()
}
