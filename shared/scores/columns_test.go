package scores_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/thorough"
)

func TestReadColumns(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	got, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)),
		scores.ColumnRequest{Seed: 7, Twins: true, Images: true})
	if err != nil {
		t.Fatal(err)
	}
	const none = selection.Missing
	tie := func(content string) uint64 { return selection.TieHash(content, 7) }
	want := &scores.Columns{
		Status:      []scores.Status{scores.OK, scores.OK, scores.Failed, scores.Skipped, scores.OK},
		SourceNames: []string{"vqa", "图表", ""},
		Source:      []uint32{0, 1, 0, 2, 0},
		Tie:         []uint64{tie("c0ffee"), tie("c0ffef"), tie(""), tie(""), tie("")},
		Tokens:      []uint32{812, 1554, 0, 0, 0},
		Shape: []selection.Shape{
			selection.OneImage, selection.MultiImage | selection.MultiTurn, 0, 0, selection.TextOnly,
		},
		Templates:     []similarity.TemplateKey{similarity.TemplateKeyOf("what is # of _")},
		TemplateNames: []string{"what is # of _"},
		Template:      []uint32{1, 0, 0, 0, 0},
		Distance:      []uint32{83, 0, 0, 0, 0},
		StyleNames:    []string{"yes/no", "word/short-phrase", "comparison"},
		StyleStart:    []uint32{0, 2, 2, 2, 2, 3},
		Style:         []uint32{0, 1, 2},
		Capabilities:  capabilities,
		Ratings:       [][]int8{{5, none, none, none, none}, {0, 3, none, none, none}},
		Expected: [][]uint16{
			{5 * 1024, 0, 0, 0, 0}, // a missing rating has 0, not 2.5
			{0, 3 * 1024, 0, 0, 0}, // equals the rating if there is no expected score
		},
		Twin:       [][16]byte{selection.TwinHash("7e57"), selection.TwinHash("7e58"), {}, {}, {}},
		ImageStart: []uint32{0, 1, 3, 3, 3, 3},
		Image:      []string{"f1", "f1", "f2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A large file gives the same values if it is read as columns and as records. Its names are in several dictionaries,
// and its rows in several pages.
func TestReadColumnsAgreesWithRead(t *testing.T) {
	t.Parallel()
	records := many(thorough.Size(30_000, 130_000), 3)
	file := write(t, names(3), records)
	chosen := []string{"capability 2", "capability 0"}
	c, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)), scores.ColumnRequest{Capabilities: chosen})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chosen, c.Capabilities); diff != "" {
		t.Fatalf("capabilities (-want +got)\n%s", diff)
	}
	want, got := make([]scores.Record, len(records)), make([]scores.Record, len(c.Status))
	for i, r := range records {
		want[i] = scores.Record{
			Source: r.Source, Content: fmt.Sprint(selection.TieHash(r.Content, 0)), Tokens: r.Tokens, Status: r.Status,
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
			Source: c.SourceNames[c.Source[i]], Content: fmt.Sprint(c.Tie[i]), Status: c.Status[i],
			Tokens: dataset.Tokens{Text: int(c.Tokens[i])},
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
	_, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)),
		scores.ColumnRequest{Capabilities: []string{"humanities"}})
	want := `the file has no capability "humanities"; it has object spatial understanding, Fine-grained  recognition!`
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

// TestReadExtras reads only the columns that some selections need.
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
			c, err := scores.ReadColumns(r, size, scores.ColumnRequest{Twins: true, Images: true})
			if err != nil {
				t.Fatal(err)
			}
			outcomes, err := scores.ReadOutcomes(r, size)
			if err != nil {
				t.Fatal(err)
			}
			n := len(records)
			if len(c.Twin) != n || len(c.Tokens) != n || len(c.ImageStart) != n+1 || len(outcomes) != n {
				t.Fatalf("%d twins, %d tokens, %d starts and %d outcomes of %d records",
					len(c.Twin), len(c.Tokens), len(c.ImageStart), len(outcomes), n)
			}
			for i, rec := range records {
				var twin [16]byte
				if rec.Twin != "" && rec.Status == scores.OK {
					twin = selection.TwinHash(rec.Twin)
				}
				images := c.Image[c.ImageStart[i]:c.ImageStart[i+1]]
				tokens, err := rec.TrainingTokens(selection.VisualTokens{})
				if err != nil {
					t.Fatal(err)
				}
				if c.Twin[i] != twin || int(c.Tokens[i]) != tokens || !slices.Equal(images, rec.Images) {
					t.Fatalf("record %d: twin %x, %d tokens, images %q; want %+v", i, c.Twin[i], c.Tokens[i], images, rec)
				}
				outcome := scores.Outcome{ID: rec.ID, Status: rec.Status, Code: rec.Code, Reason: rec.Reason}
				if outcomes[i] != outcome {
					t.Fatalf("record %d: outcome %+v, want %+v", i, outcomes[i], outcome)
				}
			}
		})
	}
}

func TestReadExtrasRefusesPicks(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := writePicks(&file, samplePicks()); err != nil {
		t.Fatal(err)
	}
	r, size := bytes.NewReader(file.Bytes()), int64(file.Len())
	_, columns := scores.ReadColumns(r, size, scores.ColumnRequest{})
	_, ids := scores.ReadIDs(r, size)
	_, outcomes := scores.ReadOutcomes(r, size)
	for what, err := range map[string]error{"columns": columns, "ids": ids, "outcomes": outcomes} {
		if err == nil || !strings.HasPrefix(err.Error(), "reading "+what+" of scores: ") {
			t.Errorf("%s: error %v", what, err)
		}
	}
}
