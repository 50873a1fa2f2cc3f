package subset

import (
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Samples are those of a pool, as their dataset knows them: both slices have an entry for each.
type Samples struct {
	IDs    []string
	Status []scores.Status
}

// Params are a resolved request's parameters for the pool that has these samples.
func (s Samples) Params(request selection.ResolvedRequest) (selection.Params, error) {
	include, err := positions("include", request.Request.Include, s.IDs)
	if err != nil {
		return selection.Params{}, err
	}
	if include, err = s.scored(include, request.Request.Include); err != nil {
		return selection.Params{}, err
	}
	exclude, err := positions("exclude", request.Request.Exclude, s.IDs)
	if err != nil {
		return selection.Params{}, err
	}
	return request.Params(include, exclude), nil
}

// scored are those of the positions whose samples were scored: what failed or was skipped is in no
// subset. An id of none is an error.
func (s Samples) scored(positions []uint32, ids []string) ([]uint32, error) {
	of := make(map[string]bool, len(ids))
	scored := slices.DeleteFunc(positions, func(at uint32) bool {
		ok := s.Status[at] == scores.OK
		of[s.IDs[at]] = of[s.IDs[at]] || ok
		return !ok
	})
	for _, id := range ids {
		if !of[id] {
			return nil, fmt.Errorf("include: sample %q was not scored; leave it out", id)
		}
	}
	return scored, nil
}

// maxUnknown is how many unknown ids an error lists.
const maxUnknown = 5

// positions are those of the samples with the requested ids; an id of several samples stands for all of them.
func positions(field string, requested, ids []string) ([]uint32, error) {
	if len(requested) == 0 {
		return nil, nil
	}
	at := make(map[string][]uint32, len(requested))
	for _, id := range requested {
		at[id] = nil
	}
	for i, id := range ids {
		if _, ok := at[id]; ok {
			at[id] = append(at[id], uint32(i))
		}
	}
	var found []uint32
	var unknown []string
	for _, id := range requested {
		if len(at[id]) == 0 {
			unknown = append(unknown, id)
		}
		found = append(found, at[id]...)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%s: the run has no sample %q (%d unknown ids); leave them out",
			field, unknown[:min(len(unknown), maxUnknown)], len(unknown))
	}
	return found, nil
}
