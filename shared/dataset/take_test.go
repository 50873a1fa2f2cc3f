package dataset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTake(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Take{
		"all": {}, "first:7": {Count: 7}, "end:7": {Count: 7, FromEnd: true},
		"first:3%": {Percent: 3}, "end:100%": {Percent: 100, FromEnd: true},
	} {
		got, err := ParseTake(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v (%s), %v; want %+v", text, got, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"random:10%": "without a seed", "random": "without a seed", "last:7": "is not a strategy", ":7": "is not a strategy",
		"first:2.5%": "or a whole percentage", "first": "not a number of records", "end:0": "not a number",
		"first:101%": "up to 100",
	} {
		if _, err := ParseTake(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Only the taken records are read, for ranges of any size.
func TestTaken(t *testing.T) {
	t.Parallel()
	var lines, array []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf(`{"id": %d}`, i+1))
	}
	array = append(array, "[\n"+strings.Join(lines, ",\n")+"\n]")
	for text, want := range map[string][]string{
		"all": lines, "first:3": lines[:3], "first:99": lines, "end:4": lines[6:], "end:1": lines[9:],
		"first:25%": lines[:3], "end:1%": lines[9:], "first:10": lines,
	} {
		take, err := ParseTake(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, manifest := range []string{strings.Join(lines, "\n"), array[0]} {
			for _, size := range []int64{1, 25, 45, 1 << 20} {
				layout, err := Split(strings.NewReader(manifest), size)
				if err != nil {
					t.Fatal(err)
				}
				taken, err := layout.Taken(take, func(span Span, from, to int64) (Span, error) {
					body := strings.NewReader(manifest[span.Start:span.End])
					return layout.Narrow(body, span, from, to, Limits{MaxRecordBytes: 1 << 10})
				})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, s := range readLayout(t, []byte(manifest), taken, Limits{}) {
					got = append(got, string(s.Raw))
					if s.Place.Line != s.Place.Element+int64(strings.Count(manifest[:1], "[")) {
						t.Errorf("%s in ranges of %d: %v", text, size, s.Place)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" || taken.Records != int64(len(want)) {
					t.Errorf("%s in ranges of %d: %d records (-want +got):\n%s", text, size, taken.Records, diff)
				}
			}
		}
	}
}
