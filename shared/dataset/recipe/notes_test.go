package recipe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset/recipe"
)

// TestMissingParts gives MissingParts some files of numbered series. The messages must name the missing files.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ names, want []string }{
		"whole":              {[]string{"train-00001-of-00002.parquet", "train-00000-of-00002.parquet"}, nil},
		"from 1":             {[]string{"x-1-of-2.tar", "x-2-of-2.tar"}, nil},
		"no numbered series": {[]string{"dataset.json", "a-of-b.json", "p-1.tar", "1-of-99999999999999999999.tar"}, nil},
		"one of three": {[]string{"d/x-0-of-3.tar"}, []string{
			"x-1-of-3.tar and 1 more are missing: the names state 3 files, but 1 are given; the subset is made from them",
		}},
		"the first": {[]string{"002-of-002.tar"}, []string{
			"001-of-002.tar is missing: the names state 2 files, but 1 are given; the subset is made from them",
		}},
		"several": {[]string{"test-0-of-1.json", "b-00000-of-00002.json", "b-00001-of-00002.json.gz"}, []string{
			"b-00001-of-00002.json is missing: the names state 2 files, but 1 are given; the subset is made from them",
			"b-00000-of-00002.json.gz is missing: the names state 2 files, but 1 are given; the subset is made from them",
		}},
	} {
		if diff := cmp.Diff(tc.want, recipe.MissingParts(tc.names)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
