package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// shapes are words. The test's annotator gives texts with one of these words a high rating for the capability "sense of
// shape".
var shapes = []string{"shape", "triangle", "circle", "square", "angle", "rectangle"}

func senseOfShape(conversation string) int {
	n := 0
	for _, word := range shapes {
		n += strings.Count(strings.ToLower(conversation), word)
	}
	return min(2*n, 5)
}

// A user's own capability goes through all steps: a rubric file with fifteen capabilities, a vision model that
// annotates a seed set, weights that learn from the seed set, and a subset of all samples with high ratings for this
// capability.
func TestFifteenthCapability(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	demo := filepath.Join(demoFolder(t), "dataset.json")
	dir := t.TempDir()
	const fifteenth = "sense of shape"
	capabilities := append(slices.Clone(rubric.Default().Capabilities), fifteenth)
	styles := rubric.Default().Styles
	text := "name: with-shapes\ncapabilities: [" + strings.Join(capabilities, ", ") + "]\nstyles: [" + strings.Join(styles,
		", ") + "]\n"
	grown, err := rubric.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "rubric.yaml"), text)
	api := newVisionAPI(t, func(api *visionAPI) {
		api.rate = func(capability, conversation string) int {
			if capability != fifteenth {
				return len(conversation) / 100 % 6
			}
			return senseOfShape(conversation)
		}
	})

	args := api.args("annotate", "--samples", "150", "--rubric", "rubric.yaml", demo)
	report, _ := annotateJSON(t, dir, api.env(), args...)
	rated := map[int8]int{}
	for _, a := range readAnnotated(t, filepath.Join(dir, "annotations.jsonl"), grown) {
		rated[a.Scores[len(capabilities)-1]]++
	}
	if report.Chosen != 150 || rated[0] < 50 || rated[2]+rated[4]+rated[5] < 10 || rated[scorer.Missing] > 0 {
		t.Fatalf("annotated %d, ratings of the fifteenth %v", report.Chosen, rated)
	}
	mustHarvest(t, dir, "train", "--annotations", "annotations.jsonl", "--rubric", "rubric.yaml", "--out", "shapes.zst",
		demo)
	subset := curateJSON(t, dir, "--budget", "10", "--state", "state", "--rubric", "rubric.yaml", "--scorer",
		"embedded:shapes.zst", "--capabilities", fifteenth, "--out", "out", demo)
	if subset.Selected != 10 {
		t.Fatalf("%d selected", subset.Selected)
	}
	var records []struct {
		Conversations []struct{ Value string }
	}
	decode(t, readFile(t, filepath.Join(dir, "out/subset.json")), &records)
	found := 0
	for _, r := range records {
		for _, turn := range r.Conversations {
			if senseOfShape(turn.Value) > 0 {
				found++
				break
			}
		}
	}
	if len(records) != 10 || found < 7 {
		t.Errorf("%d of %d selected samples need a sense of shape", found, len(records))
	}
}
