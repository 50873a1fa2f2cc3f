package scores_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

func TestReadColumns(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	got, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	const none = selection.Missing
	last := int32(1<<31 - 1)
	want := &scores.Columns{
		Range:        []int32{3, 3, 3, 3, last},
		Position:     []int32{0, 1, 2, 4, last},
		Status:       []scores.Status{scores.OK, scores.OK, scores.Failed, scores.Skipped, scores.OK},
		SourceNames:  []string{"vqa", "图表", ""},
		Source:       []uint32{0, 1, 0, 2, 0},
		Content:      []string{"c0ffee", "c0ffef", "", "", ""},
		StyleNames:   []string{"yes/no", "word/short-phrase", "comparison"},
		StyleStart:   []uint32{0, 2, 2, 2, 2, 3},
		Style:        []uint32{0, 1, 2},
		Capabilities: capabilities,
		Ratings:      [][]int8{{5, none, none, none, none}, {0, 3, none, none, none}},
		Expected: [][]uint16{
			{5 * 1024, 0, 0, 0, 0}, // not 2.5 next to a missing rating
			{0, 3 * 1024, 0, 0, 0}, // the rating where there is no expected score
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A large file must read as columns just as it reads as records: its names lie in several
// dictionaries, and its rows in several pages.
func TestReadColumnsAgreesWithRead(t *testing.T) {
	t.Parallel()
	records := many(130_000, 3)
	file := write(t, names(3), records)
	chosen := []string{"capability 2", "capability 0"}
	c, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)), chosen...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chosen, c.Capabilities); diff != "" {
		t.Fatalf("capabilities (-want +got)\n%s", diff)
	}
	want, got := make([]scores.Record, len(records)), make([]scores.Record, len(c.Status))
	for i, r := range records {
		want[i] = scores.Record{
			Range: r.Range, Position: r.Position, Source: r.Source, Content: r.Content, Status: r.Status,
			Result: scorer.Result{
				Styles: r.Styles, Ratings: []int8{scorer.Missing, scorer.Missing}, Expected: []float32{0, 0},
			},
		}
		for to, from := range []int{2, 0} {
			if r.Status == scores.OK && r.Ratings[from] != scorer.Missing {
				want[i].Ratings[to], want[i].Expected[to] = r.Ratings[from], r.Expected[from]
			}
		}
	}
	for i := range got {
		got[i] = scores.Record{
			Range: int(c.Range[i]), Position: int(c.Position[i]), Source: c.SourceNames[c.Source[i]],
			Content: c.Content[i], Status: c.Status[i],
		}
		for _, style := range c.Style[c.StyleStart[i]:c.StyleStart[i+1]] {
			got[i].Styles = append(got[i].Styles, c.StyleNames[style])
		}
		for capability := range chosen {
			got[i].Ratings = append(got[i].Ratings, c.Ratings[capability][i])
			got[i].Expected = append(got[i].Expected, float32(scorer.FromUnits(c.Expected[capability][i])))
		}
	}
	compare(t, want, got)
}

func TestReadColumnsUnknownCapability(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	_, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)), "humanities")
	want := `no capability "humanities": the file has object spatial understanding, Fine-grained  recognition!`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

func TestReadIDs(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	got, err := scores.ReadIDs(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a-1", "ключ-2", "a-3", "", "a-5"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestReadExtras reads the columns that only some selections need, alone.
func TestReadExtras(t *testing.T) {
	t.Parallel()
	for name, records := range map[string][]scores.Record{
		"every case": small(), "several row groups": many(130_000, 1), "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := capabilities
			if len(records) > 0 {
				names = names[:len(records[0].Ratings)]
			}
			file := write(t, names, records)
			r, size := bytes.NewReader(file), int64(len(file))
			twins, err := scores.ReadTwins(r, size)
			if err != nil {
				t.Fatal(err)
			}
			tokens, err := scores.ReadTokens(r, size)
			if err != nil {
				t.Fatal(err)
			}
			starts, images, err := scores.ReadImages(r, size)
			if err != nil {
				t.Fatal(err)
			}
			if len(twins) != len(records) || len(tokens) != len(records) || len(starts) != len(records)+1 {
				t.Fatalf("%d twins, %d tokens and %d starts of %d records", len(twins), len(tokens), len(starts), len(records))
			}
			for i, rec := range records {
				if twins[i] != rec.Twin || int(tokens[i]) != rec.Tokens ||
					!slices.Equal(images[starts[i]:starts[i+1]], rec.Images) {
					t.Fatalf("record %d: twin %q, %d tokens, images %q; want %+v",
						i, twins[i], tokens[i], images[starts[i]:starts[i+1]], rec)
				}
			}
		})
	}
}

func TestReadExtrasRefusesPicks(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := scores.WritePicks(&file, samplePicks()); err != nil {
		t.Fatal(err)
	}
	r, size := bytes.NewReader(file.Bytes()), int64(file.Len())
	_, twins := scores.ReadTwins(r, size)
	_, tokens := scores.ReadTokens(r, size)
	_, _, images := scores.ReadImages(r, size)
	for column, err := range map[string]error{"twins": twins, "tokens": tokens, "images": images} {
		if err == nil || !strings.HasPrefix(err.Error(), "reading "+column+" of scores: ") {
			t.Errorf("%s: error %v", column, err)
		}
	}
}
