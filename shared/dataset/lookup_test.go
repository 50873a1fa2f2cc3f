package dataset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	ids := []string{"a", "b", "a", "c#1", "a", "c", "d#2", "d", "d", "é#"}
	for name, want := range map[string][]int{
		"a": {0, 2, 4}, "a#1": {0}, "a#3": {4}, "a#4": nil, "a#0": nil, "a#-1": nil, "a#03": nil, "a#+1": nil, "a#": nil,
		"b": {1}, "b#1": {1}, "b#2": nil, "x": nil, "": nil, "#1": nil, "a#99999999999999999999": nil,
		// A name like c#1 stands for the id c#1, if there is a sample with this id.
		"c#1": {3}, "c#1#1": {3}, "c": {5}, "d#2": {6}, "d#1": {7}, "d": {7, 8}, "é#": {9}, "é##1": {9},
	} {
		lookup := dataset.NewLookup([]string{name, "a#2", "a"})
		for i, id := range ids {
			if added := lookup.Add(id); !added && (i < 3 && id == "a") {
				t.Errorf("%s: sample %d is not found", name, i)
			}
		}
		if diff := cmp.Diff(want, lookup.Positions(name)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", name, diff)
		}
	}
	lookup := dataset.NewLookup([]string{"a#2", "d#2"})
	var kept []int
	for i, id := range ids {
		if lookup.Add(id) {
			kept = append(kept, i)
		}
	}
	if diff := cmp.Diff([]int{2, 6, 8}, kept); diff != "" {
		t.Errorf("samples that a name can stand for (-want +got)\n%s", diff)
	}
	if !lookup.Numbered("a#2") || lookup.Numbered("d#2") {
		t.Error("Numbered must be true for a#2, one of several samples, and false for d#2, an id")
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	if alone, second := dataset.Name("a", 1, 1), dataset.Name("a", 2, 3); alone != "a" || second != "a#2" {
		t.Errorf("names %q and %q", alone, second)
	}
}
