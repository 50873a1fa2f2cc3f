package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity/evaluation"
	"github.com/harvest-ml/harvest/shared/subset"
)

// The report shows templates and left-out samples, with the first pairs, only if they were requested.
func TestCopies(t *testing.T) {
	t.Parallel()
	o := outcome(t, 500, 3)
	if page := written(t, o); strings.Contains(page, "Copies that are left out") || strings.Contains(page, "templates") {
		t.Error("a page of a selection without evaluation sets and templates shows evaluation sets or templates")
	}
	o.Selection.Summary.Templates = []selection.TemplateShare{
		{Template: hostile + " #", Pool: .1, Selection: .3, Selected: 45}, {Template: "what is _", Pool: .05},
	}
	o.Selection.Outputs = subset.Outputs{Near: "near.jsonl", Clusters: "clusters.jsonl"}
	o.Selection.Evaluations = &subset.Contamination{
		Sets: []subset.EvaluationSet{{Object: evaluation.Object{Name: "benchmarks/" + hostile}, Items: 1234, Images: 99}},
		Both: 40, Image: 2, Text: 7, Dropped: 40, ImageSources: map[string]int{"chartqa": 30, hostile: 12},
	}
	m, err := newModel(o, &run.Status{}, time.Time{}, APICommands("test"), explained(o))
	if err != nil {
		t.Fatal(err)
	}
	m.Copies, err = newCopies(o.Selection, func(use func(subset.NearLine) error) error {
		for i := range 41 {
			line := subset.NearLine{Kind: "both", ID: fmt.Sprintf("left%d", i), Index: int64(i), Dropped: i < 40}
			line.Near, line.ImageDistance = hostile, &i
			if err := use(line); err != nil {
				return err
			}
		}
		return use(subset.NearLine{Kind: subset.KindCluster, ID: "twin", Index: 99, Dropped: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := m.write(&page); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		"The 2 templates below have 15.0 % of the pool.", "limit it with a cap on", "42 samples with an image",
		"40 of them also have the text of the item", "chartqa 30", "1,234", "left29", "11 more are in near.jsonl",
		"1 sample left out as near duplicates",
	} {
		if !strings.Contains(page.String(), words) {
			t.Errorf("%q is not in the page", words)
		}
	}
	if strings.Contains(page.String(), "<script>alert") || strings.Contains(page.String(), "left30") {
		t.Error("a text of the dataset is not escaped, or more pairs are shown")
	}
}
