package subset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Samples are those of a pool, as their dataset knows them: both slices have an entry for each.
type Samples struct {
	IDs    []string
	Status []scores.Status
}

// Params are a resolved request's parameters for the pool that has these samples. What failed or was skipped is in no
// subset: a name in include of such samples alone is an error.
func (s Samples) Params(request selection.ResolvedRequest) (selection.Params, error) {
	include, err := s.find("include", request.Request.Include)
	if err != nil {
		return selection.Params{}, err
	}
	for i, positions := range include {
		include[i] = slices.DeleteFunc(slices.Clone(positions), func(at int) bool { return s.Status[at] != scores.OK })
		if len(include[i]) == 0 {
			return selection.Params{}, fmt.Errorf("include: sample %q was not scored; leave it out",
				request.Request.Include[i])
		}
	}
	exclude, err := s.find("exclude", request.Request.Exclude)
	if err != nil {
		return selection.Params{}, err
	}
	return request.Params(union(include), union(exclude)), nil
}

// maxUnknown is how many unknown ids an error lists.
const maxUnknown = 5

// find finds the positions of the samples that each name of a field stands for (dataset.Lookup). A name of none is an
// error.
func (s Samples) find(field string, names []string) ([][]int, error) {
	if len(names) == 0 {
		return nil, nil
	}
	lookup := dataset.NewLookup(names)
	for _, id := range s.IDs {
		lookup.Add(id)
	}
	found := make([][]int, len(names))
	var unknown []string
	for i, name := range names {
		if found[i] = lookup.Positions(name); len(found[i]) == 0 {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		quoted := make([]string, min(len(unknown), maxUnknown))
		for i := range quoted {
			quoted[i] = strconv.Quote(unknown[i])
		}
		return nil, fmt.Errorf("%s: the run has no sample %s (%d unknown ids); leave them out",
			field, strings.Join(quoted, ", "), len(unknown))
	}
	return found, nil
}

// union is the positions of several names, each once, in the order of the names.
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
