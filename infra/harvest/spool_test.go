package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestMatchingObjects expands patterns of object names. An expanded name may still have braces, without being a glob.
func TestMatchingObjects(t *testing.T) {
	t.Parallel()
	in, err := bucket.NewView(map[string]bucket.Content{
		"a/1.jsonl": bucket.Literal(nil), "a/2.jsonl": bucket.Literal(nil), "b/1.jsonl": bucket.Literal(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string][]string{
		"a/{1..2}.jsonl": {"a/1.jsonl", "a/2.jsonl"}, "{b,a}/1*": {"b/1.jsonl", "a/1.jsonl"}, "c/*": nil,
		"{{,}0..1}": {"{0..1}", "{0..1}"},
	} {
		got, err := matchingObjects(t.Context(), in, pattern)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", pattern, err, diff)
		}
	}
}
