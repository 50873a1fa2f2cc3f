package main

import (
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestNamesOfRuns names runs and selections as users do: by an id, the beginning of an id, the dataset, or latest.
func TestNamesOfRuns(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	writeFile(t, dir+"/other.json", readFile(t, dir+"/dataset.json"))
	first := curateJSON(t, dir, "--state", "state", "--budget", "50%", "dataset.json")
	other := curateJSON(t, dir, "--state", "state", "--budget", "50%", "other.json")
	second := curateJSON(t, dir, "--state", "state", "--budget", "25%", "dataset.json")
	if first.Run != second.Run || first.Run == other.Run {
		t.Fatalf("runs %s, %s, %s", first.Run, other.Run, second.Run)
	}
	dataset, _, _ := strings.Cut(first.Run, "-")
	for _, tt := range []struct{ run, want string }{
		{first.Run, first.Run}, {first.Run[:len(first.Run)-3], first.Run}, {dataset, first.Run}, {"latest", other.Run},
		{other.Run[:3], other.Run},
	} {
		a := harvest(t, dir, nil, "status", "--json", "--state", "state", tt.run)
		var st runStatus
		if a.status != 0 {
			t.Errorf("%s: %s", tt.run, a.stderr)
			continue
		}
		if decode(t, a.stdout, &st); st.Run != tt.want || time.Since(st.Accepted) > time.Hour {
			t.Errorf("%s is run %s, accepted %s; want %s", tt.run, st.Run, st.Accepted, tt.want)
		}
	}
	for _, selection := range []string{second.Selection, second.Selection[:6], "latest"} {
		want := harvest(t, dir, nil, "explain", "--state", "state", first.Run, second.Selection, "sample-0000").stdout
		a := harvest(t, dir, nil, "explain", "--state", "state", dataset, selection, "sample-0000")
		if a.stdout != want || want == "" {
			t.Errorf("selection %s: %s%s, want %s", selection, a.stdout, a.stderr, want)
		}
	}
	for _, tt := range []struct{ run, selection, want string }{
		{dataset[:len(dataset)-1] + "r", "latest", `did you mean "` + dataset + `"`},
		{"", "latest", "2 runs begin with"},
		{dataset, "none", "has " + min(first.Selection, second.Selection)},
	} {
		a := harvest(t, dir, nil, "explain", "--state", "state", tt.run, tt.selection, "sample-0000")
		if a.status != 2 || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("run %q, selection %q: status %d, %s; want %s", tt.run, tt.selection, a.status, a.stderr, tt.want)
		}
	}
	list := harvest(t, dir, nil, "status", "--state", "state").stdout
	if strings.Index(list, other.Run) > strings.Index(list, first.Run) {
		t.Errorf("the newest run is not the first:\n%s", list)
	}
	offered := harvest(t, dir, nil, "__complete", "explain", "--state", "state", "").stdout
	if !strings.HasPrefix(offered, "latest\t") || !strings.Contains(offered, "\n"+other.Run+"\t") {
		t.Errorf("completion offers %s", offered)
	}
}
