package scores_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestMain uses more memory to save time, because the tests produce much garbage.
func TestMain(m *testing.M) {
	thorough.Quicken()
	m.Run()
}

var update = flag.Bool("update", false, "rewrite the golden files")

var capabilities = []string{"object spatial understanding", "Fine-grained  recognition!"}

// small returns a record for every case: missing, smallest and largest ratings, expected scores, masses and margins;
// failed and skipped samples; empty and longer lists; and texts of several scripts.
func small() []scores.Record {
	nan := float32(math.NaN())
	return []scores.Record{
		{
			ID: "a-1", Range: 3, Position: 0, Source: "vqa", Content: "c0ffee", Twin: "7e57", Turns: 1,
			Tokens: dataset.Tokens{Text: 82, Answers: 20},
			Images: []string{"f1"}, Sizes: []string{"640x480"},
			Seen: []string{"68:1767323045000000000"}, Looks: []string{"bG9vaw"},
			Words: "d29yZHM", Questions: []string{"a1", "b2"}, Template: "what is # of _", TakenFrom: "demo-0123456789ab",
			Status: scores.OK,
			Result: scorer.Result{
				Styles: []string{"yes/no", "word/short-phrase"}, Ratings: []int8{5, 0}, Expected: []float32{5, 0},
				Mass: []float32{1, 0.25}, Margin: []float32{0.75, 0}, Distance: 83,
			},
			ScorerID: "s1", Rubric: "r1",
		},
		{
			ID: "ключ-2", Range: 3, Position: 1, Source: "图表", Content: "c0ffef", Twin: "7e58", Turns: 3,
			Tokens: dataset.Tokens{Text: 94, Answers: 94},
			Images: []string{"f1", "f2"}, Sizes: []string{"28x56", ""}, Seen: []string{"68:-1", "embedded"}, Status: scores.OK,
			Result: scorer.Result{
				Code: "no_known_style", Reason: "no known style", OtherStyles: []string{"haiku", "🎼, sung", ""},
				Ratings: []int8{scorer.Missing, 3}, Expected: []float32{2.5, nan},
				Mass: []float32{nan, 0.5}, Flags: []string{"off_reference"},
			},
			ScorerID: "s1", Rubric: "r1",
		},
		{
			ID: "a-3", Range: 3, Position: 2, Source: "vqa", Status: scores.Failed,
			Result: scorer.Result{Code: "image_undecodable", Reason: "image: broken JPEG"}, ScorerID: "s1", Rubric: "r1",
		},
		{
			ID: "", Range: 3, Position: 4, Source: "", Status: scores.Skipped,
			Result:   scorer.Result{Code: "ключ", Reason: "left out", Flags: []string{"x", "y"}},
			ScorerID: "s1", Rubric: "r1",
		},
		{
			ID: "a-5", Range: math.MaxInt32, Position: math.MaxInt32, Source: "vqa", Status: scores.OK,
			Result: scorer.Result{
				Styles: []string{"comparison"}, Ratings: []int8{scorer.Missing, scorer.Missing},
				Expected: []float32{nan, nan},
			},
		},
	}
}

// many returns n plausible records of one range, over as many capabilities as names.
func many(n, names int) []scores.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	styles := []string{"multi-choice", "coordinate", "yes/no", "word/short-phrase", "comparison"}
	records := make([]scores.Record, n)
	for i := range records {
		r := scores.Record{
			ID: fmt.Sprintf("llava/%09d", i), Range: 7, Position: i,
			Source:  fmt.Sprintf("source %d", rng.IntN(90)),
			Content: fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()),
			Twin:    fmt.Sprintf("%016x", rng.Uint64()), Tokens: dataset.Tokens{Text: rng.IntN(2000)},
			Turns:  1 + rng.IntN(3)/2,
			Images: []string{fmt.Sprintf("%016x", rng.Uint64())},
			Status: scores.OK, ScorerID: strings.Repeat("ab", 32), Rubric: strings.Repeat("cd", 32),
		}
		if rng.IntN(50) == 0 {
			r.Status, r.Code, r.Reason = scores.Failed, "image_not_found", "image: not found"
			records[i] = r
			continue
		}
		for _, style := range rng.Perm(len(styles))[:1+rng.IntN(3)] {
			r.Styles = append(r.Styles, styles[style])
		}
		for range names {
			expected := 5 * rng.Float64()
			rating := int8(math.Round(expected))
			if rng.IntN(20) == 0 {
				rating = scorer.Missing
			}
			r.Ratings = append(r.Ratings, rating)
			r.Expected = append(r.Expected, scorer.RoundExpected(expected))
			r.Mass = append(r.Mass, scorer.RoundExpected(rng.Float64()))
			r.Margin = append(r.Margin, scorer.RoundExpected(rng.Float64()))
		}
		records[i] = r
	}
	return records
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("capability %d", i)
	}
	return out
}

func write(t testing.TB, capabilities []string, records []scores.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := scores.Write(&b, capabilities, records); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, file []byte) *scores.Table {
	t.Helper()
	table, err := scores.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// compare calls cmp only for records that differ, because cmp takes seconds for a large file.
func compare(t *testing.T, want, got []scores.Record) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if reflect.DeepEqual(want[i], got[i]) {
			continue
		}
		if diff := cmp.Diff(want[i], got[i], cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("record %d (-want +got)\n%s", i, diff)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; if this is intended, run go test -update,  "+
			"and raise the layout's version unless old files can still be read", name)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		capabilities []string
		records      []scores.Record
	}{
		{"every case", capabilities, small()},
		{"no rows", capabilities, []scores.Record{}},
		{"several row groups and pages", names(3), many(130_000, 3)},
		{"one capability", []string{"x"}, many(10, 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := read(t, write(t, tt.capabilities, tt.records))
			if diff := cmp.Diff(tt.capabilities, got.Capabilities); diff != "" {
				t.Errorf("capabilities (-want +got)\n%s", diff)
			}
			compare(t, tt.records, got.Records)
		})
	}
}

func TestReadListsDoNotOverlap(t *testing.T) {
	t.Parallel()
	table := read(t, write(t, capabilities, small()))
	_ = append(table.Records[0].Styles, "appended")
	if got := table.Records[4].Styles[0]; got != "comparison" {
		t.Errorf("appending to one record's styles changed another's to %q", got)
	}
}
