// Package browse lists the samples of a scored run that pass a filter. It reads the columns of scores that a filter
// names, and the rows of the requested page. If the columns are in memory, the time for a page does not depend on the
// size of the run, except for a scan of one or two bytes a sample.
package browse

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"golang.org/x/sync/errgroup"
)

// MostCounted is the largest number of samples that a list counts.
const MostCounted = 10_000

// A Reader lists samples of runs. Scores never change, so it caches the columns that it reads. A process should have
// only one Reader.
type Reader struct {
	runs    *run.Reader
	subsets *subset.Reader
	columns *cache.Cache[*column]
}

// New makes a Reader of the runs and the selections of one work bucket.
func New(runs *run.Reader, subsets *subset.Reader) (*Reader, error) {
	if runs == nil || subsets == nil {
		return nil, errors.New("making a browse.Reader: a reader of runs or of selections is missing")
	}
	return &Reader{runs: runs, subsets: subsets, columns: cache.New(runs.Share(96), (*column).bytes)}, nil
}

// A Query requests a page of the samples that pass a filter.
type Query struct {
	Filter    Filter
	Selection string // id of the selection that the filter and the entries refer to; empty for no selection
	From      int64  // the index at which the page begins
	Size      int    // number of samples of the page, 1 or more
}

// A Page is a part of a list, in the order of the dataset.
type Page struct {
	Entries []Entry
	Next    int64 // the index at which the next page begins; -1 after the last sample
	// Matched is the number of samples of all pages, at most MostCounted. More reports that there are more samples.
	Matched int
	More    bool
}

// An Entry is one sample in a list.
type Entry struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // index in the dataset, from 0
	Source string        `json:"source"`
	Status scores.Status `json:"status"`
	// FailureCode is the reason why the sample was not scored or cannot be selected.
	FailureCode reason.Code `json:"failure_code,omitempty"`
	Styles      []string    `json:"styles,omitempty"` // the main style first
	// Rated has the ratings in the order of the rubric. It is empty if the sample was not scored.
	Rated []subset.Rated `json:"rated,omitempty"`
	// Selected reports whether the sample is in the selection of the query. Reason is the reason why it is not selected.
	// Without a selection, Selected is nil and Reason is empty.
	Selected *bool       `json:"selected,omitempty"`
	Reason   reason.Code `json:"reason,omitempty"`
	// Cluster is the cluster of near duplicates of the sample. It is nil if the sample has no near duplicates, or if they
	// were not searched for.
	Cluster *subset.Cluster `json:"cluster,omitempty"`
}

// List returns a page of the samples of a scored run. The error is a *run.RefusedError for an invalid query,
// run.ErrNotScored for a run that is not scored, and subset.ErrNoSelection for an unknown selection.
func (r *Reader) List(ctx context.Context, runID string, q Query) (*Page, error) {
	plan, err := r.runs.ScoredPlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	var reasons *scores.Reasons
	if q.Selection != "" {
		if reasons, err = r.subsets.Reasons(ctx, runID, q.Selection); err != nil {
			return nil, err
		}
	}
	tests, err := r.tests(ctx, plan, q, reasons)
	if err != nil {
		return nil, err
	}
	page, found := scan(plan.Samples, tests, q.From, q.Size)
	if page.Entries, err = r.entries(ctx, plan, found); err != nil {
		return nil, err
	}
	clusters, err := r.subsets.Clusters(ctx, plan)
	if err != nil {
		return nil, err
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		e.Cluster = clusters.Of(e.Index)
		if reasons != nil {
			e.Reason = reason.Code(reasons.At(int(e.Index)))
			in := e.Reason == ""
			e.Selected = &in
		}
	}
	return page, nil
}

// A test reports whether a sample, given by its index, meets a term of a filter.
type test = func(i int) bool

// tests returns the tests for the terms of a query's filter.
func (r *Reader) tests(ctx context.Context, plan *run.Plan, q Query, reasons *scores.Reasons) ([]test, error) {
	filter := q.Filter.withKnown(plan.Rubric.Capabilities)
	for _, t := range filter {
		if err := t.check(plan, reasons != nil); err != nil {
			return nil, err
		}
	}
	var tests []test
	for _, t := range filter {
		var one test
		var err error
		switch t.field {
		case fieldNumber:
			one, err = r.numberTest(ctx, plan, q.Selection, t)
		case fieldCluster, fieldClusterSize:
			one, err = r.clusterTest(ctx, plan, t)
		default:
			one, err = r.scoreTest(ctx, plan, t, reasons)
		}
		if err != nil {
			return nil, err
		}
		tests = append(tests, one)
	}
	return tests, nil
}

// numberTest returns the test for a condition on a number. The number is a numeric field of the records, or a column of
// the selection's scores_from file.
func (r *Reader) numberTest(ctx context.Context, plan *run.Plan, selection string, t Term) (test, error) {
	from, err := r.numbersOf(ctx, plan, selection)
	if err != nil {
		return nil, err
	}
	values, err := r.number(ctx, plan, from, t.name)
	if err != nil {
		return nil, err
	}
	return func(i int) bool { return t.condition.Holds(values[i]) }, nil
}

// scoreTest returns the test for a term about scores, or about the reasons of a selection. reasons is nil without a
// selection.
func (r *Reader) scoreTest(ctx context.Context, plan *run.Plan, t Term, reasons *scores.Reasons) (test, error) {
	has := t.operator == "="
	if reasons != nil && (t.field == fieldReason || t.value == Selected) {
		want := t.value
		if t.field == fieldStatus {
			want = ""
		}
		return func(i int) bool { return (reasons.At(i) == want) == has }, nil
	}
	c, err := r.column(ctx, plan, t.field, t.name)
	if err != nil {
		return nil, err
	}
	switch {
	case t.field == fieldRating:
		rated := t.rated()
		return func(i int) bool { return rated(c.ratings[i]) }, nil
	case t.field == fieldStatus && t.value == Left:
		scored := c.named(scores.OK.String(), true)
		return func(i int) bool { return (scored(i) && reasons.At(i) != "") == has }, nil
	default:
		return c.named(t.value, has), nil
	}
}

// scan finds the samples of a page, and counts the samples of all pages.
func scan(samples int64, tests []test, from int64, size int) (*Page, []int64) {
	page := &Page{Next: -1}
	var found []int64
	if len(tests) == 0 { // without a filter no sample has to be tested
		for i := max(from, 0); i < samples && len(found) < size; i++ {
			found = append(found, i)
		}
		if next := max(from, 0) + int64(size); next < samples {
			page.Next = next
		}
		page.Matched, page.More = int(min(samples, MostCounted)), samples > MostCounted
		return page, found
	}
sample:
	for i := range samples {
		for _, holds := range tests {
			if !holds(int(i)) {
				continue sample
			}
		}
		if page.Matched < MostCounted {
			page.Matched++
		} else {
			page.More = true
		}
		if i >= from {
			if len(found) == size && page.Next < 0 {
				page.Next = i
			} else if len(found) < size {
				found = append(found, i)
			}
		}
		if page.Next >= 0 && page.More {
			break
		}
	}
	return page, found
}

// entries returns the entries of samples, which are given in ascending order.
func (r *Reader) entries(ctx context.Context, plan *run.Plan, samples []int64) ([]Entry, error) {
	entries := make([]Entry, len(samples))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
	for first := 0; first < len(samples); {
		number := plan.RangeOf(samples[first])
		var rows []int
		for _, s := range samples[first:] {
			if plan.RangeOf(s) != number {
				break
			}
			rows = append(rows, int(s-plan.Ranges[number].FirstIndex))
		}
		into := entries[first : first+len(rows)]
		first += len(rows)
		group.Go(func() error {
			return r.runs.ReadScoreParts(ctx, plan, number, func(at io.ReaderAt, size int64) (int, error) {
				briefs, err := scores.ReadBriefs(at, size, rows)
				for i, b := range briefs {
					into[i] = newEntry(plan, plan.Ranges[number].FirstIndex+int64(rows[i]), b)
				}
				return -1, err
			})
		})
	}
	return entries, group.Wait()
}

func newEntry(plan *run.Plan, index int64, b scores.Brief) Entry {
	e := Entry{
		ID: b.ID, Index: index, Source: b.Source, Status: b.Status, FailureCode: b.Code, Styles: b.Styles,
	}
	for c, rating := range b.Ratings {
		if b.Status != scores.OK || c >= len(plan.Rubric.Capabilities) {
			break
		}
		one := subset.Rated{Capability: plan.Rubric.Capabilities[c]}
		if rating != selection.Missing {
			one.Rating = &rating
		}
		e.Rated = append(e.Rated, one)
	}
	return e
}
