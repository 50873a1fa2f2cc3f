package scores_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Rows that are read separately equal the rows of the whole file.
func TestReadBriefs(t *testing.T) {
	t.Parallel()
	records := many(130_000, 3) // two row groups
	file := write(t, names(3), records)
	table, err := scores.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var scattered, dense []int
	for range 40 {
		scattered = append(scattered, rng.IntN(len(records)))
	}
	slices.Sort(scattered)
	for i := 122_850; i < 122_910; i++ { // around the border of the row groups
		dense = append(dense, i)
	}
	for name, rows := range map[string][]int{
		"scattered": slices.Compact(scattered), "dense": dense, "ends": {0, len(records) - 1}, "none": nil,
	} {
		got, err := scores.ReadBriefs(bytes.NewReader(file), int64(len(file)), rows)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []scores.Brief{}
		for _, row := range rows {
			r := table.Records[row]
			one := scores.Brief{
				ID: r.ID, Source: r.Source, Status: r.Status, Code: r.Code, Styles: r.Styles, Ratings: r.Ratings,
			}
			if one.Ratings == nil {
				one.Ratings = slices.Repeat([]int8{selection.Missing}, len(table.Capabilities))
			}
			if one.Styles == nil {
				one.Styles = []string{}
			}
			want = append(want, one)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, rows := range [][]int{{-1}, {len(records)}, {5, 3}} {
		if _, err := scores.ReadBriefs(bytes.NewReader(file), int64(len(file)), rows); err == nil {
			t.Errorf("rows %v are read", rows)
		}
	}
}

// A column that is read separately equals the column of the whole file.
func TestReadOneColumn(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	at, size := bytes.NewReader(file), int64(len(file))
	whole, err := scores.ReadColumns(at, size, scores.ColumnRequest{})
	if err != nil {
		t.Fatal(err)
	}
	rated, err := scores.ReadRating(at, size, capabilities[1])
	if diff := cmp.Diff(whole.Ratings[1], rated); err != nil || diff != "" {
		t.Errorf("ratings: %v (-want +got):\n%s", err, diff)
	}
	names := scores.Names{"sky"}
	sources, err := scores.ReadSources(at, size, &names)
	if diff := cmp.Diff([]uint32{1, 2, 1, 3, 1}, sources); err != nil || diff != "" || len(names) != 4 {
		t.Errorf("sources: %v, %q (-want +got):\n%s", err, names, diff)
	}
	var styles scores.Names
	starts, indexes, err := scores.ReadStyles(at, size, &styles)
	if err != nil || !slices.Equal(starts, whole.StyleStart) || !slices.Equal(indexes, whole.Style) {
		t.Errorf("styles %v %v of %q, error %v", starts, indexes, styles, err)
	}
	var states, codes scores.Names
	status, err := scores.ReadStatuses(at, size, &states)
	if err != nil || states[status[2]] != "failed" || states[status[0]] != "ok" {
		t.Errorf("statuses %v of %q, error %v", status, states, err)
	}
	if _, err := scores.ReadCodes(at, size, &codes); err != nil {
		t.Error(err)
	}
	if _, err := scores.ReadRating(at, size, "moon"); err == nil {
		t.Error("an unknown capability is read")
	}
}
