package main

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestPrintPicks shows a subset in which three of four samples were picked on a rating.
func TestPrintPicks(t *testing.T) {
	t.Parallel()
	ratings := selection.PickRatings{0, 2, 0, 1}
	var picks, trade strings.Builder
	if err := printPicks(&picks, selection.Summary{
		PickRatings: &ratings, Selection: selection.Statistics{Samples: 4},
	}); err != nil {
		t.Fatal(err)
	}
	if want := "\n1 other sample not picked on a rating: from a smaller budget or from --include\n"; !strings.Contains(
		picks.String(), want) {
		t.Errorf("no %q in\n%s", want, picks.String())
	}
	rows := []subset.TradeRow{{Figures: selection.Figures{Selected: 4, PickRatings: &ratings}}}
	if err := printTrade(&trade, rows, selection.Request{}, "harvest select RUN", typedFiles{}); err != nil {
		t.Fatal(err)
	}
	if want := "Of the 3 samples that were picked on a rating, 66.7 % were picked on a rating of 1 or"; !strings.Contains(
		strings.ReplaceAll(trade.String(), "\n", " "), want) {
		t.Errorf("no %q in\n%s", want, trade.String())
	}
}
