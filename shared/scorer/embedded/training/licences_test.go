package training

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// licenceRow matches a row of the table of licences on the scorer's page: source, samples, and commercial use.
var licenceRow = regexp.MustCompile(
	`(?m)^\| (\w+) \| (\d+) \| .+ \| .+ \| (allowed|forbidden|not stated|not clear) \|$`)

// TestLicences checks that the page has the licence of each source of the training data, and of no other source.
func TestLicences(t *testing.T) {
	t.Parallel()
	base, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]int{}
	for i := range base.Samples {
		samples[base.Samples[i].Source]++
	}
	restricted := 0
	for name, row := range licences(t) {
		if got := fmt.Sprint(samples[name]); got != row[2] {
			t.Errorf("the page has %s samples of %s, but the training data has %s", row[2], name, got)
		}
		if row[3] != "allowed" {
			restricted += samples[name]
		}
		delete(samples, name)
	}
	if len(samples) > 0 {
		t.Errorf("the page has no licences of %v", samples)
	}
	page := strings.ReplaceAll(scorersPage(t), "\n", " ")
	if text := fmt.Sprintf("%d of the", restricted); !strings.Contains(page, text) {
		t.Errorf("the page does not contain %q", text)
	}
}

// licences returns the rows of the table by source.
func licences(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, row := range licenceRow.FindAllStringSubmatch(scorersPage(t), -1) {
		rows[row[1]] = row
	}
	return rows
}

func scorersPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestLicencesStudy measures how much the sources raise the agreement whose licences do not allow commercial use or do
// not mention it. It needs HARVEST_STUDY. It holds out families of sources, and rates pools of these with two weights:
// the first are trained on all other sources, the second on the other sources that allow commercial use. Both have the
// penalties and cuts of the base.
func TestLicencesStudy(t *testing.T) {
	t.Parallel()
	if os.Getenv("HARVEST_STUDY") == "" {
		t.Skip("HARVEST_STUDY is not set")
	}
	base, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	rows := licences(t)
	joint := &task{samples: base.Samples, rubric: rubric.Default()}
	fold := joint.bySource()
	fold.values = [][][]float64{nil}
	for _, row := range base.Unseen {
		values := make([]float64, len(row))
		for h, v := range row {
			values[h] = float64(v)
		}
		fold.values[0] = append(fold.values[0], values)
	}
	calibrated := joint.calibrate([]*crossValidation{fold}, 0, func(int) bool { return true })
	for _, only := range []bool{false, true} {
		var samples []agreement.Sample
		for k := range fold.folds {
			var learn []int
			for i := range base.Samples {
				if fold.fold[i] != k && (!only || rows[base.Samples[i].Source][3] == "allowed") {
					learn = append(learn, i)
				}
			}
			d, err := joint.design(learn)
			if err != nil {
				t.Fatal(err)
			}
			m, err := d.fit(base.Penalties)
			if err != nil {
				t.Fatal(err)
			}
			for i := range base.Samples {
				if s := &base.Samples[i]; fold.fold[i] == k {
					samples = append(samples, joint.opinions(s, m.predict(s.Features), calibrated))
				}
			}
		}
		pools, err := agreement.MeasurePools(samples, joint.options(reportResamples))
		if err != nil {
			t.Fatal(err)
		}
		report, err := agreement.Measure(samples, joint.options(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("those that allow it alone: %v: pools: Spearman %.3f, kappa %.3f, styles %.3f; together: Spearman %.3f, "+
			"kappa %.3f", only, pools.Spearman.Median, pools.QWK.Median, pools.MicroF1.Median, report.Mean.Spearman,
			report.Mean.QWK)
	}
}
