package scores_test

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scores"
)

func samplePicks() []scores.Pick {
	low, high := int8(0), int8(5)
	return []scores.Pick{
		{
			Order: 0, ID: "a-1", Range: 1, Position: 2, Index: 1 << 40, Source: "vqa", Capability: "humanities",
			Bin: "yes/no+vqa", Style: "yes/no", Round: 1, Rank: 1, Rating: &high, Rule: "turn",
		},
		{
			Order: 1, ID: "ключ-2", Source: "图表", Capability: "humanities",
			Bin: "comparison+图表", Style: "comparison", Round: 2, Rank: 7, Rating: &low, Rule: "turn",
		},
		{Order: 2, ID: "a-3", Index: 7, Source: "vqa", Rank: 3, Rule: "include"},
		{Order: 3},
	}
}

func TestPicksRoundTrip(t *testing.T) {
	t.Parallel()
	var large []scores.Pick
	for i := range 130_000 {
		rating := int8(i % 6)
		large = append(large, scores.Pick{Order: i, ID: fmt.Sprint("s", i), Bin: fmt.Sprint("b", i%300), Rating: &rating})
	}
	for name, want := range map[string][]scores.Pick{
		"every case": samplePicks(), "none": {}, "several row groups": large,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var file, again bytes.Buffer
			for _, w := range []*bytes.Buffer{&file, &again} {
				if err := writePicks(w, want); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(file.Bytes(), again.Bytes()) {
				t.Error("the same picks give other bytes")
			}
			got, err := scores.ReadPicks(bytes.NewReader(file.Bytes()), int64(file.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("(-want +got)\n%s", cmp.Diff(want, got))
			}
		})
	}
}

func TestReadPicksRefusesScores(t *testing.T) {
	t.Parallel()
	file := write(t, capabilities, small())
	_, err := scores.ReadPicks(bytes.NewReader(file), int64(len(file)))
	if want := "reading picks: column 1 is id"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

func writePicks(w io.Writer, picks []scores.Pick) error {
	return scores.WritePicks(w, len(picks), func(i int) scores.Pick { return picks[i] })
}
