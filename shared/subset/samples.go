package subset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Samples identifies the samples of a pool in their dataset. It reads ids when they are needed, and does not keep
// them in memory. The zero Samples is for a pool without ids.
type Samples struct {
	Status []scores.Status // by sample; empty if it is not known
	// ids reads the ids of a file of the pool; first is the position of each file's first sample.
	ids   func(ctx context.Context, number int) ([]string, error)
	first []int
}

// Params returns the parameters of a resolved request, for the pool of these samples. Failed and skipped samples cannot
// be selected, so Params returns an error if a name in include matches only such samples.
func (s Samples) Params(ctx context.Context, request selection.ResolvedRequest) (selection.Params, error) {
	include, err := s.find(ctx, "include", request.Request.Include)
	if err != nil {
		return selection.Params{}, err
	}
	for i, positions := range include {
		include[i] = slices.DeleteFunc(slices.Clone(positions), func(at int) bool { return s.Status[at] != scores.OK })
		if len(include[i]) == 0 {
			return selection.Params{}, &nameError{fmt.Sprintf("include: sample %q was not scored; remove it",
				request.Request.Include[i])}
		}
	}
	exclude, err := s.find(ctx, "exclude", request.Request.Exclude)
	if err != nil {
		return selection.Params{}, err
	}
	return request.Params(union(include), union(exclude)), nil
}

// ErrNoSample is the error for a sample that a run does not have.
var ErrNoSample = errors.New("no such sample")

// A nameError is the error for a name that matches no sample.
type nameError struct{ text string }

func (e *nameError) Error() string { return e.text }

// refusedName converts a *nameError, which is a mistake of the caller, into a *run.RefusedError. It returns other
// errors unchanged.
func refusedName(err error) error {
	if unknown, ok := errors.AsType[*nameError](err); ok {
		return &run.RefusedError{Reason: unknown.Error()}
	}
	return err
}

func noSample(format string, args ...any) error {
	return &run.RefusedError{Reason: fmt.Sprintf(format, args...), Err: ErrNoSample}
}

// maxUnknown is the largest number of unknown ids that an error lists.
const maxUnknown = 5

// find returns the positions of the samples for each name in a field (see dataset.Lookup). A name @N that is not an id
// stands for the sample with index N. If a name has no sample, the error is a *nameError.
func (s Samples) find(ctx context.Context, field string, names []string) ([][]int, error) {
	if len(names) == 0 {
		return nil, nil
	}
	lookup, err := s.lookup(ctx, names)
	if err != nil {
		return nil, err
	}
	found := make([][]int, len(names))
	var unknown []string
	for i, name := range names {
		found[i] = lookup.Positions(name)
		if len(found[i]) > 0 {
			continue
		}
		if index, ok := ParseIndexName(name); ok && index < int64(lookup.Len()) {
			found[i] = []int{int(index)}
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		quoted := make([]string, min(len(unknown), maxUnknown))
		for i := range quoted {
			quoted[i] = strconv.Quote(unknown[i])
		}
		text := fmt.Sprintf("%s: the run has no sample %s; remove it", field, quoted[0])
		if len(unknown) > 1 {
			text = fmt.Sprintf("%s: the run has no sample %s (%d unknown ids); remove them",
				field, strings.Join(quoted, ", "), len(unknown))
		}
		return nil, &nameError{text}
	}
	return found, nil
}

// lookup finds the samples of names among all ids.
func (s Samples) lookup(ctx context.Context, names []string) (*dataset.Lookup, error) {
	lookup := dataset.NewLookup(names)
	for number := range s.first {
		ids, err := s.ids(ctx, number)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			lookup.Add(id)
		}
	}
	return lookup, nil
}

// Named returns an error of a selection in which samples have the same names as in the request.
func (s Samples) Named(ctx context.Context, request selection.ResolvedRequest, fault error) error {
	if joined, ok := fault.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, one := range joined.Unwrap() {
			named = append(named, s.Named(ctx, request, one))
		}
		return errors.Join(named...)
	}
	kept, ok := errors.AsType[*selection.KeptOutError](fault)
	if !ok {
		return fault
	}
	found, err := s.find(ctx, "include", request.Request.Include)
	if err != nil {
		return errors.Join(fault, err)
	}
	for i, positions := range found {
		if at := slices.Index(positions, int(kept.Sample)); at >= 0 {
			name := dataset.Name(request.Request.Include[i], at+1, len(positions))
			return &nameError{kept.Of(strconv.Quote(name))}
		}
	}
	return fault
}

// ID reads the id of the sample at a position.
func (s Samples) ID(ctx context.Context, position int) (string, error) {
	list, err := s.idsOf(ctx, []uint32{uint32(position)})
	if err != nil {
		return "", err
	}
	return list.at(0), nil
}

// An idList stores the ids of some samples compactly.
type idList struct {
	place []uint32 // number of each sample's id in text
	end   []int    // end of each id in text
	text  []byte
}

// idsOf reads the ids of the samples at positions, each named once.
func (s Samples) idsOf(ctx context.Context, positions []uint32) (*idList, error) {
	sorted := make([]uint64, len(positions)) // position in the high bits, number in the low bits
	for i, position := range positions {
		sorted[i] = uint64(position)<<32 | uint64(i)
	}
	slices.Sort(sorted)
	list := &idList{place: make([]uint32, len(positions)), end: make([]int, 0, len(positions))}
	for i, entry := range sorted {
		list.place[uint32(entry)] = uint32(i)
	}
	for number := 0; len(sorted) > 0; {
		next := int(sorted[0] >> 32)
		number += sort.Search(len(s.first)-number, func(i int) bool { return s.first[number+i] > next }) - 1
		ids, err := s.ids(ctx, number)
		if err != nil {
			return nil, err
		}
		first := s.first[number]
		for len(sorted) > 0 && int(sorted[0]>>32) < first+len(ids) {
			list.text = append(list.text, ids[int(sorted[0]>>32)-first]...)
			list.end = append(list.end, len(list.text))
			sorted = sorted[1:]
		}
	}
	return list, nil
}

// at returns the id of the sample at the i-th position.
func (l *idList) at(i int) string {
	place, start := l.place[i], 0
	if place > 0 {
		start = l.end[place-1]
	}
	return string(l.text[start:l.end[place]])
}

// union returns the positions of several names, in the order of the names, without repetitions.
func union(found [][]int) []uint32 {
	var all []uint32
	taken := map[int]bool{}
	for _, positions := range found {
		for _, at := range positions {
			if !taken[at] {
				taken[at] = true
				all = append(all, uint32(at))
			}
		}
	}
	return all
}
