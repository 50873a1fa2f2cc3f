package scores_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Another process wrote the golden file. Equal bytes show that a file does not depend on the process or the time, and
// that later versions can read files of this version.
func TestWriteIsDeterministic(t *testing.T) {
	t.Parallel()
	golden(t, "small.parquet", write(t, capabilities, small()))
}

func TestWriterJoinsShards(t *testing.T) {
	t.Parallel()
	records := many(1100, 2)
	for i := range records {
		records[i].Content = strings.Repeat(records[i].Content, 100) // enough for several pages
	}
	want := write(t, capabilities, records)
	for _, size := range []int{64, 200, 511} {
		var got bytes.Buffer
		w, err := scores.NewWriter(&got, capabilities)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(records); from += size {
			shard := read(t, write(t, capabilities, records[from:min(from+size, len(records))]))
			if err := w.Write(shard.Records); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got.Bytes()) {
			t.Errorf("joined shards of %d records have other bytes than one write", size)
		}
	}
}

func TestWriteRoundsAndRepairs(t *testing.T) {
	t.Parallel()
	in := []scores.Record{{
		ID: "a\xff", Status: scores.OK,
		Result: scorer.Result{Styles: []string{"\xc3("}, Ratings: []int8{1}, Expected: []float32{1.00001}},
	}}
	got := read(t, write(t, []string{"x"}, in)).Records
	want := []scores.Record{{
		ID: "a\uFFFD", Status: scores.OK,
		Result: scorer.Result{Styles: []string{"\uFFFD("}, Ratings: []int8{1}, Expected: []float32{1}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	ok := func(change func(*scores.Record)) scores.Record {
		r := scores.Record{
			ID: "s", Status: scores.OK, Result: scorer.Result{Ratings: []int8{1}, Expected: []float32{1}},
		}
		change(&r)
		return r
	}
	one := []string{"x"}
	tests := []struct {
		name         string
		capabilities []string
		record       scores.Record
		want         string
	}{
		{"equal slugs", []string{"a b", "A-b"}, scores.Record{}, `capabilities "a b" and "A-b" share the column rating_a_b`},
		{"empty name", []string{"a", ""}, scores.Record{}, "capability 2 has no name"},
		{"no capabilities", nil, scores.Record{}, "no capabilities"},
		{"no status", one, ok(func(r *scores.Record) { r.Status = 0 }), `record 0 ("s"): Status(0) is neither`},
		{
			"too few ratings", one, ok(func(r *scores.Record) { r.Ratings = nil }),
			"0 ratings and 1 expected scores for 1 capabilities",
		},
		{"too many expected", one, ok(func(r *scores.Record) { r.Expected = []float32{1, 2} }), "1 ratings and 2 expected"},
		{"expected too high", one, ok(func(r *scores.Record) { r.Expected[0] = 5.01 }), "expected score 5.01: not in [0, 5]"},
		{"expected negative", one, ok(func(r *scores.Record) { r.Expected[0] = -0.5 }), "expected score -0.5: not in [0, 5]"},
		{"mass too high", one, ok(func(r *scores.Record) { r.Mass = []float32{1.01} }), "mass or margin 1.01: not in [0, 1]"},
		{
			"margin negative", one, ok(func(r *scores.Record) { r.Margin = []float32{-0.1} }),
			"mass or margin -0.1: not in [0, 1]",
		},
		{
			"too many masses", one, ok(func(r *scores.Record) { r.Mass = []float32{1, 1} }),
			"2 masses and 0 margins for 1 capabilities",
		},
		{"failed and sure", one, scores.Record{
			Status: scores.Failed, Result: scorer.Result{Code: "x", Reason: "x", Mass: []float32{1}},
		}, "a failed sample has no ratings"},
		{
			"failed and rated", one, ok(func(r *scores.Record) { r.Status, r.Reason = scores.Failed, "x" }),
			"a failed sample has no ratings",
		},
		{"skipped, why?", one, scores.Record{Status: scores.Skipped}, "a skipped sample needs a reason"},
		{"negative position", one, ok(func(r *scores.Record) { r.Position = -1 }), "range 0, position -1: not in"},
		{"range too large", one, ok(func(r *scores.Record) { r.Range = 1 << 31 }), "range 2147483648, position 0: not in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := scores.Write(&bytes.Buffer{}, tt.capabilities, []scores.Record{tt.record})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
