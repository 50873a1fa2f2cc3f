package subset

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// TestRejectedLine compares lines with those of encoding/json.
func TestRejectedLine(t *testing.T) {
	t.Parallel()
	for _, line := range []Rejected{
		{ID: "a1", Index: 1 << 40, Status: scores.OK, Code: "outranked", Reason: "outranked: number 3",
			Nearest: &NearMiss{Capability: "humanities", Bin: "yes/no+s", Rank: 3, Last: 2},
			Ratings: RatingList{0, scorer.Missing, 5}},
		{ID: "<\"\\\u2028é\x00\xff>", Status: scores.Failed, Reason: "a\nb", Nearest: &NearMiss{Rank: 1}},
		{ID: "n", Status: scores.OK, Code: "near_evaluation", Reason: "near",
			NearTo: &NearTo{Near: "<set>.tsv#1", TextDistance: new(int)}},
		{ID: "", Status: scores.Skipped, Code: "not_utf8",
			Place: &dataset.Place{Manifest: "<a&b>.json", Element: 3, Line: 4, Key: "k"}},
	} {
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
		got, err := line.appendLine([]byte("before"))
		if err != nil || string(got) != "before"+want.String() {
			t.Errorf("got %s, %v; want %s", got, err, want.Bytes())
		}
	}
	if _, err := (&Rejected{}).appendLine(nil); err == nil {
		t.Error("a line without a status is written")
	}
}
