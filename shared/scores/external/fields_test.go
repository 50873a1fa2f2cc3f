package external_test

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/external"
)

// TestFields collects the numbers of records, a column for each name. If records have too many names, it collects only
// the first names.
func TestFields(t *testing.T) {
	t.Parallel()
	c := external.NewCollector(4)
	for _, record := range []string{
		`{"id": 7, "a": 1.5, "text": "2", "in": {"a": 3}}`, "", `{"\u0061": -2e1, "a": 4, "b": 1e999, "": 1, "n": null}`,
		`[1, 2]`,
	} {
		c.Add([]byte(record))
	}
	none := math.NaN()
	want := &scores.Numbers{
		Names: []string{"a", "id"}, Values: [][]float64{{1.5, none, 4, none}, {7, none, none, none}}, More: true,
	}
	if diff := cmp.Diff(want, c.Numbers(), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	many := external.NewCollector(1 << 20)
	for i := range 5 {
		many.Add(fmt.Appendf(nil, `{"a": 1, "b": 2, "c%d": 3}`, i))
	}
	if n := many.Numbers(); len(n.Names) != 2 || !n.More || len(n.Values[1]) != 5 {
		t.Errorf("of a large range: %+v", n)
	}
	got := maps.Collect(external.Numbers([]byte(`{"a": 1, "b": "2", "c": -3.5}`)))
	if diff := cmp.Diff(map[string]float64{"a": 1, "c": -3.5}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, broken := range []string{"", "{", "null", "[1]", `{"a": 1`} {
		if n := len(maps.Collect(external.Numbers([]byte(broken)))); n > 0 {
			t.Errorf("%q has %d numbers", broken, n)
		}
	}
}
