package scores_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Scores are written sample by sample, and read column by column, because a selection reads only the columns that it
// needs.
func Example() {
	capabilities := []string{"data understanding", "humanities"}
	rated := func(id string, position int, ratings ...int8) scores.Record {
		return scores.Record{
			ID: id, Position: position, Source: "charts", Content: "hash of " + id,
			Tokens: dataset.Tokens{Text: 700}, Status: scores.OK,
			Result: scorer.Result{
				Ratings: ratings, Expected: []float32{float32(ratings[0]), 0.25}, Styles: []string{"word/short-phrase"},
			},
			ScorerID: "embedded-9c700784c129", Rubric: "e9d2cbd6f081",
		}
	}
	failed := scores.Record{
		ID: "chart-3", Position: 2, Source: "charts", Content: "hash of chart-3", Status: scores.Failed,
		Result: scorer.Result{Code: "image_not_found", Reason: "image not found: charts/3.png"},
	}
	var file bytes.Buffer
	err := scores.Write(&file, capabilities, []scores.Record{rated("chart-1", 0, 5, 0), rated("chart-2", 1, 3, 0), failed})
	if err != nil {
		log.Fatal(err)
	}
	columns, err := scores.ReadColumns(bytes.NewReader(file.Bytes()), int64(file.Len()),
		scores.ColumnRequest{Capabilities: capabilities[:1]})
	if err != nil {
		log.Fatal(err)
	}
	for i, status := range columns.Status {
		if status != scores.OK {
			fmt.Println(status)
			continue
		}
		fmt.Printf("%s: rated %d for %s\n", status, columns.Ratings[0][i], columns.Capabilities[0])
	}
	// Output:
	// ok: rated 5 for data understanding
	// ok: rated 3 for data understanding
	// failed
}
