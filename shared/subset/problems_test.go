package subset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestProblems gives the reason of a failed run once, although its selection failed for the same reason.
func TestProblems(t *testing.T) {
	t.Parallel()
	const reason = "all failed"
	for name, tt := range map[string]struct {
		problem, selection, export string
		want                       []string
	}{
		"no problem":    {},
		"the run":       {reason, "", "", []string{reason}},
		"the selection": {"", "no budget", "", []string{"the selection failed: no budget"}},
		"both, equal":   {reason, reason + "; retry", "", []string{"the selection failed: " + reason + "; retry"}},
		"both, unequal": {reason, "no budget", "", []string{reason, "the selection failed: no budget"}},
		"the export":    {"", "", "no form", []string{"the export was not written: no form"}},
	} {
		st := subset.RunStatus{
			Status: run.Status{Problem: tt.problem}, SelectionProblem: tt.selection, ExportProblem: tt.export,
		}
		if diff := cmp.Diff(tt.want, st.Problems()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}
