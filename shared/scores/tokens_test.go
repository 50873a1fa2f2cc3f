package scores_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestTokensOfImages adds the tokens of images to the tokens of texts, in columns and in records.
func TestTokensOfImages(t *testing.T) {
	t.Parallel()
	records := small()
	file := write(t, capabilities, records)
	for rule, want := range map[string][]uint32{
		"730":              {82 + 730, 94 + 2*730, 0, 0, 0},
		"100":              {182, 294, 0, 0, 0},
		"onevision-anyres": {82 + 2929, 94 + 2*730, 0, 0, 0},
		"qwen2.5-vl":       {82 + 23*17, 94 + 6 + 730, 0, 0, 0}, // 28 x 56 pixels become 56 x 84
	} {
		visual, err := selection.ParseVisualTokens(rule)
		if err != nil {
			t.Fatal(err)
		}
		c, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)),
			scores.ColumnRequest{Visual: visual, Answers: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Tokens); diff != "" {
			t.Errorf("%s (-want +got)\n%s", rule, diff)
		}
		if diff := cmp.Diff([]uint32{20, 94, 0, 0, 0}, c.Answers); diff != "" {
			t.Errorf("answers (-want +got)\n%s", diff)
		}
		for i := range records {
			if n, err := records[i].TrainingTokens(visual); err != nil || n != int(want[i]) {
				t.Errorf("%s, record %d: %d tokens, %v", rule, i, n, err)
			}
		}
	}
}

// TestBadSizes refuses sizes that no image can have, and more answer tokens than tokens.
func TestBadSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"x", "640", "0x480", "640x-1", "640x99999999999", "640x480x3"} {
		record := small()[0]
		record.Sizes = []string{size}
		if _, err := record.TrainingTokens(selection.VisualTokens{}); err == nil || !strings.Contains(err.Error(), size) {
			t.Errorf("%q: %v", size, err)
		}
	}
	record := small()[0]
	record.Tokens = dataset.Tokens{Text: 5, Answers: 6}
	if err := scores.Write(new(bytes.Buffer), capabilities, []scores.Record{record}); err == nil {
		t.Error("more answer tokens than tokens were written")
	}
}
