package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// curateArgs returns the arguments of curate with a state folder.
func curateArgs(args ...string) []string {
	return append([]string{"curate", "--state", "state"}, args...)
}

// faults are commands that fail, with their exit status and parts of their errors.
var faults = []struct {
	name   string
	env    []string
	args   []string
	status int
	says   []string // parts of standard error
}{
	{
		name: "unknown command", args: []string{"curat"}, status: 2,
		says: []string{`"curat" is not a command`, "harvest --help"},
	},
	{
		name: "help of an unknown command", args: []string{"help", "curat"}, status: 2,
		says: []string{`"curat" is not a command`, `"curate"`},
	},
	{
		name: "unknown command with flags", args: []string{"curat", "--budget", "30%", "dataset.json"}, status: 2,
		says: []string{`"curat" is not a command`, `"curate"`, "harvest --help"},
	},
	{
		name: "flag of other commands", args: []string{"plan", "--budget", "30%", "dataset.json"}, status: 2,
		says: []string{"unknown flag: --budget here; it is a flag of `harvest curate`, `harvest select`", "harvest plan " +
			"--help"},
	},
	{
		name: "no command", args: []string{"--budget", "30%", "dataset.json"}, status: 2,
		says: []string{"unknown flag: --budget here; it is a flag of `harvest curate`, "},
	},
	{name: "unknown flag", args: curateArgs("--nope"), status: 2, says: []string{"--nope", "harvest curate --help"}},
	{name: "no manifest", args: curateArgs("--budget", "1"), status: 2, says: []string{"at least one manifest"}},
	{
		name: "no such manifest", args: curateArgs("--budget", "1", "x.json"), status: 2,
		says: []string{"x.json", "no such file"},
	},
	{
		name: "manifest twice", args: curateArgs("--budget", "1", "dataset.json", "./dataset.json"), status: 2,
		says: []string{"named twice"},
	},
	{
		name: "folder without manifests", args: curateArgs("--budget", "1", "nothing"), status: 2,
		says: []string{"manifest nothing: the folder has no manifest (.json, .jsonl, .ndjson, "},
	},
	{
		name: "no images", args: curateArgs("--budget", "1", "--images", "nope", "dataset.json"), status: 2,
		says: []string{"images nope", "there is no such folder"},
	},
	{
		name: "images in a file", status: 2, says: []string{"images dataset.json", "is not a folder"},
		args: curateArgs("--budget", "1", "--images", "dataset.json", "dataset.json"),
	},
	{
		name: "no budget", args: curateArgs("dataset.json"), status: 2,
		says: []string{"--budget is missing; give a share such as 30%"},
	},
	{
		name: "no number", args: curateArgs("--budget", "much", "dataset.json"), status: 2,
		says: []string{"--budget", `"much"`, `"30%"`},
	},
	{
		name: "more than all", args: curateArgs("--budget", "4", "dataset.json"), status: 2,
		says: []string{"budget: 4", "the most is 3"},
	},
	{
		name: "share with a comma", args: curateArgs("--budget", "0,3", "dataset.json"), status: 2,
		says: []string{"--budget 0,3: write 0.3 with a decimal point"},
	},
	{
		name: "empty max-failed", args: curateArgs("--budget", "1", "--max-failed", "", "dataset.json"), status: 2,
		says: []string{"--max-failed", "give a percentage"},
	},
	{
		name: "more failures than samples", args: curateArgs("--budget", "1", "--max-failed", "4", "dataset.json"), status: 2,
		says: []string{"--max-failed: 4 samples are more than the 3 samples of the run"},
	},
	{name: "budget below one " +
		"sample", args: curateArgs("--budget", "1%", "dataset.json"), status: 2, says: []string{"less than one sample"}},
	{
		name: "threshold", args: curateArgs("--budget", "1", "--threshold", "5", "dataset.json"), status: 2,
		says: []string{"threshold: 5", "-1 to 4"},
	},
	{
		name: "capability", status: 2,
		args: curateArgs("--budget", "1", "--capabilities", "humanities, magic", "dataset.json"),
		says: []string{`"magic"`, "stem knowledge"},
	},
	{
		name: "style", args: curateArgs("--budget", "1", "--drop-styles", "sonnet", "dataset.json"), status: 2,
		says: []string{`"sonnet" is unknown`, "yes/no"},
	},
	{
		name: "strategy", args: curateArgs("--budget", "1", "--strategy", "best", "dataset.json"), status: 2,
		says: []string{`"best" is unknown`, "stratified"},
	},
	{
		name: "no number in the environment", env: []string{"LLM_MAX_COST=abc"},
		args: curateArgs("--budget", "1", "dataset.json"), status: 2, says: []string{"LLM_MAX_COST: ", `"abc"`},
	},
	{
		name: "scorer", args: curateArgs("--budget", "1", "--scorer", "oracle", "dataset.json"), status: 2,
		says: []string{`--scorer "oracle"`, "embedded"},
	},
	{
		name: "invalid limit", env: []string{"SHARD_SAMPLES=0"}, args: curateArgs("--budget", "1", "dataset.json"), status: 2,
		says: []string{"SHARD_SAMPLES: 0; give 1 or more"},
	},
	{
		name: "no home directory", env: []string{"HOME=", "XDG_CACHE_HOME="}, args: []string{"status"}, status: 2,
		says: []string{"give a folder with --state"},
	},
	{
		name: "too many arguments", args: []string{"status", "--state", "state", "a", "b"}, status: 2,
		says: []string{`"b" is one argument too many`},
	},
	{
		name: "argument of serve", args: []string{"serve", "in"}, status: 2, says: []string{`"in" is one argument too many`},
	},
	{name: "no input", args: []string{"serve"}, status: 2, says: []string{"--input is missing"}},
	{
		name: "no run", args: []string{"select", "--budget", "1"}, status: 2,
		says: []string{"name one run", "harvest status"},
	},
	{
		name: "select from an unknown run", args: []string{"select", "--state", "state", "--budget", "1", "x-1"}, status: 2,
		says: []string{"no such run: x-1", "harvest status"},
	},
	{
		name: "status of an unknown run", args: []string{"status", "--state", "state", "x-1"}, status: 2,
		says: []string{"no such run: x-1"},
	},
	{
		name: "resume an unknown run", args: []string{"resume", "--state", "state", "x-1"}, status: 2,
		says: []string{"no such run: x-1"},
	},
	{
		name: "retry an unknown run", args: []string{"retry", "--state", "state", "x-1"}, status: 2,
		says: []string{"no such run: x-1"},
	},

	{
		name: "text in place of JSON", args: curateArgs("--budget", "1", "prose.json"), status: 1,
		says: []string{"prose.json: byte 0 (line 1)", "not JSON"},
	},
	{
		name: "cut off", args: curateArgs("--budget", "1", "cut.json"), status: 1,
		says: []string{"cut.json: byte 12 (line 1, element 2)", "never closed"},
	},
	{name: "no records", args: curateArgs("--budget", "1", "empty.json"), status: 1, says: []string{"no records"}},
	{
		name: "state in a file", args: []string{"curate", "--state", "dataset.json", "--budget", "1", "dataset.json"},
		status: 2, says: []string{"--state dataset.json: a part of this path is a file"},
	},
	{
		name: "output in a file", args: curateArgs("--budget", "1", "--out", "dataset.json", "dataset.json"), status: 2,
		says: []string{"--out dataset.json: a part of this path is a file"},
	},
	{
		name: "above the cost limit", env: []string{"COST_PER_MILLION=embedded=1000000", "MAX_RUN_COST=2"},
		args: curateArgs("--budget", "1", "dataset.json"), status: 1, says: []string{"$3.00", "MAX_RUN_COST"},
	},
}

// TestFaults runs commands with invalid command lines and invalid datasets.
func TestFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 3, 8)
	writeFile(t, filepath.Join(dir, "prose.json"), "Dear colleague,\n")
	writeFile(t, filepath.Join(dir, "cut.json"), `[{"id": 1}, {"id": 2, "conv`)
	writeFile(t, filepath.Join(dir, "empty.json"), "[]")
	writeFile(t, filepath.Join(dir, "nothing", "notes.txt"), "")
	for _, tc := range faults {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := harvest(t, dir, tc.env, tc.args...)
			if a.status != tc.status {
				t.Errorf("status %d, want %d", a.status, tc.status)
			}
			for _, words := range tc.says {
				if !strings.Contains(a.stderr, words) {
					t.Errorf("says %q, which lacks %q", a.stderr, words)
				}
			}
			if !strings.HasPrefix(a.stderr, "harvest: ") || strings.Count(a.stderr, "\n") != 1 || a.stdout != "" {
				t.Errorf("want one line, and only on standard error; printed %q and %q", a.stdout, a.stderr)
			}
		})
	}
	t.Cleanup(func() {
		if runs, err := filepath.Glob(filepath.Join(dir, "state", "runs", "*")); len(runs) > 0 || err != nil {
			t.Errorf("refused commands have left %q (%v)", runs, err)
		}
	})
}

func TestHelp(t *testing.T) {
	t.Parallel()
	all := mustHarvest(t, ".", "--help").stdout
	for command := range strings.FieldsSeq("curate annotate train evaluate export select explain status resume retry " +
		"plan prompts config serve smoke") {
		if !strings.Contains(all, "\n  "+command+" ") {
			t.Errorf("the help lacks %s", command)
		}
		if a := mustHarvest(t, ".", command, "--help"); !strings.Contains(a.stdout, "harvest "+command) || a.stderr != "" {
			t.Errorf("%s --help printed %q and %q", command, a.stdout, a.stderr)
		}
	}
}

// TestCommands runs all commands except serve on one dataset. One image is added only before the retry.
func TestCommands(t *testing.T) {
	t.Parallel()
	const size = 40
	dir := t.TempDir()
	newDataset(t, dir, size, 16)
	late := filepath.Join(dir, "source1", "0005.png")
	if err := os.Rename(late, late+".late"); err != nil {
		t.Fatal(err)
	}

	checkPlan(t, dir, size)

	// Curate in the dataset's own folder, without --out and --images.
	a := mustHarvest(t, dir, "curate", "--state", "state", "--budget", "30%", "--json", "dataset.json")
	first := decodeResult(t, a.stdout)
	if diff := cmp.Diff(events.Counts{In: size, Scored: size - 1, Failed: 1}, first.Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if first.Selected != 12 || !strings.HasPrefix(first.Run, filepath.Base(dir)+"-") {
		t.Errorf("run %s selected %d samples, want 12 samples of a run with the folder's name", first.Run, first.Selected)
	}
	if first.Outputs.Subset != filepath.Join("out", filepath.Base(dir), "subset.json") {
		t.Errorf("subset in %s", first.Outputs.Subset)
	}
	if !strings.Contains(a.stderr, "score ") || strings.ContainsRune(a.stderr, '\x1b') {
		t.Errorf("progress on an output that is not a terminal: %q", a.stderr)
	}
	checkKeys(t, a.stdout)
	checkSplit(t, dir, first, size)
	checkOthers(t, dir, &first)

	var status subset.RunStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", first.Run).stdout, &status)
	if status.State != run.StateScored || len(status.Selections) != 2 || status.Reasons["image_not_found"] != 1 {
		t.Errorf("status %+v", status)
	}
	decode(t, mustHarvest(t, dir, "resume", "--state", "state", "--json", first.Run).stdout, &status)
	if status.State != run.StateScored || status.Run != first.Run {
		t.Errorf("the resumed run is %+v", status)
	}

	if err := os.Rename(late+".late", late); err != nil {
		t.Fatal(err)
	}
	checkRetried(t, dir, first.Run, size)
}

// checkPlan plans a dataset with one missing image.
func checkPlan(t *testing.T, dir string, size int64) {
	t.Helper()
	var plan api.PlanReport
	decode(t, mustHarvest(t, dir, "plan", "--state", "state", "--json", "dataset.json").stdout, &plan)
	if plan.Samples != size || plan.Valid != size-1 || plan.ImagesMissing != 1 || plan.Shards != 1 ||
		len(plan.Sources) != 4 {
		t.Errorf("plan %+v", plan)
	}
	table := mustHarvest(t, dir, "plan", "--state", "state", "dataset.json").stdout
	if !strings.Contains(table, "image not found") {
		t.Errorf("the plan lacks the missing image:\n%s", table)
	}
	const none = "no runs yet: `harvest curate --state state MANIFEST` starts one\n"
	if a := mustHarvest(t, dir, "status", "--state", "state"); a.stdout != none {
		t.Errorf("after plan, status printed %q", a.stdout)
	}
}

// checkOthers repeats the first command, and makes other selections of the same run.
func checkOthers(t *testing.T, dir string, first *result) {
	t.Helper()
	if again := curateJSON(t, dir, "--state", "state", "--budget", "30%", "dataset.json"); again.Run != first.Run ||
		again.Selection != first.Selection {
		t.Errorf("the repeated command gives run %s, selection %s; before: %s, %s", again.Run, again.Selection, first.Run,
			first.Selection)
	}
	table := mustHarvest(t, dir, "curate", "--state", "state", "--budget", "30%", "--quiet", "dataset.json")
	if table.stderr != "" || !strings.Contains(table.stdout, "image not found") ||
		!strings.Contains(table.stdout, "mean rating") || !strings.Contains(table.stdout, "│ text only ") {
		t.Errorf("printed %q and %q", table.stdout, table.stderr)
	}

	// Each selection has a separate folder.
	var other result
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "5", "--capabilities",
		"stem knowledge,humanities", "--threshold", "-1", "--json", "--quiet", first.Run).stdout, &other)
	if want := filepath.Join("out", first.Run, other.Selection, "subset.json"); other.Selected != 5 ||
		other.Outputs.Subset != want {
		t.Errorf("selected %d in %s, want 5 in %s", other.Selected, other.Outputs.Subset, want)
	}
	for _, wrong := range [][]string{{"--budget", "41"}, {"--budget", "1", "--capabilities", "magic"}} {
		args := append([]string{"select", "--state", "state", "--quiet", first.Run}, wrong...)
		if a := harvest(t, dir, nil, args...); a.status != 2 ||
			!strings.HasPrefix(a.stderr, "harvest: ") {
			t.Errorf("select %q: status %d: %s", wrong, a.status, a.stderr)
		}
	}
}

// checkRetried retries a run after its missing image was added.
func checkRetried(t *testing.T, dir, firstRun string, size int64) {
	t.Helper()
	var retried subset.RunStatus
	decode(t, mustHarvest(t, dir, "retry", "--state", "state", "--json", "--quiet", firstRun).stdout, &retried)
	if diff := cmp.Diff(events.Counts{In: size, Scored: size}, retried.Samples); diff != "" || retried.Run == firstRun {
		t.Errorf("retried as %s, samples (-want +got):\n%s", retried.Run, diff)
	}
	if latest := curateJSON(t, dir, "--state", "state", "--budget", "30%", "dataset.json"); latest.Run != retried.Run {
		t.Errorf("a repeated curate uses run %s, but the latest attempt is %s", latest.Run, retried.Run)
	}
	var statuses []subset.RunStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json").stdout, &statuses)
	if len(statuses) != 2 {
		t.Errorf("%d runs, want 2", len(statuses))
	}
	if list := mustHarvest(t, dir, "status", "--state", "state").stdout; !strings.Contains(list, firstRun) ||
		!strings.Contains(list, retried.Run) {
		t.Errorf("status lists\n%s", list)
	}
	one := mustHarvest(t, dir, "status", "--state", "state", retried.Run).stdout
	if !strings.Contains(one, run.StateScored) {
		t.Errorf("status says\n%s", one)
	}
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// checkKeys checks the fields that scripts read from --json.
func checkKeys(t *testing.T, text string) {
	t.Helper()
	var got struct {
		Samples, Outputs, Seconds map[string]any
	}
	decode(t, text, &got)
	for _, tc := range []struct {
		object map[string]any
		keys   []string
	}{
		{got.Samples, []string{"failed", "in", "scored", "skipped"}},
		{got.Outputs, []string{"picks", "rejected", "report", "scores", "selection", "subset"}},
	} {
		var keys []string
		for key := range tc.object {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if diff := cmp.Diff(tc.keys, keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	}
	if total, _ := got.Seconds["total"].(float64); total <= 0 {
		t.Errorf("seconds %v", got.Seconds)
	}
}

// checkSplit checks that every sample is either in the subset or rejected.
func checkSplit(t *testing.T, dir string, r result, size int) {
	t.Helper()
	var subset []struct{ ID string }
	decode(t, readFile(t, filepath.Join(dir, r.Outputs.Subset)), &subset)
	seen := map[string]bool{}
	for _, s := range subset {
		seen[s.ID] = true
	}
	for _, line := range rejectedLines(t, filepath.Join(dir, r.Outputs.Rejected)) {
		if seen[line.ID] || line.Reason == "" {
			t.Errorf("rejected sample %+v: it is also selected, or it lacks a reason", line)
		}
		seen[line.ID] = true
	}
	if len(subset) != r.Selected || len(seen) != size {
		t.Errorf("%d selected and %d accounted for, want %d and %d", len(subset), len(seen), r.Selected, size)
	}
}

func rejectedLines(t *testing.T, path string) []subset.Rejected {
	t.Helper()
	var lines []subset.Rejected
	for line := range strings.Lines(readFile(t, path)) {
		var r subset.Rejected
		decode(t, line, &r)
		lines = append(lines, r)
	}
	return lines
}

// TestManifestsTogether curates two manifests with one name. Their folder of images is a symbolic link.
func TestManifestsTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, filepath.Join(dir, "real"), 6, 8)
	whole := readFile(t, filepath.Join(dir, "real", "dataset.json"))
	writeFile(t, filepath.Join(dir, "a", "part.json"), whole)
	writeFile(t, filepath.Join(dir, "b", "part.json"), strings.ReplaceAll(whole, "sample-", "other-"))
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	r := curateJSON(t, dir, "--state", "state", "--out", "out", "--images", "link", "--budget", "50%", "a/part.json",
		"b/part.json")
	if diff := cmp.Diff(events.Counts{In: 12, Scored: 12}, r.Samples); diff != "" || r.Selected != 6 {
		t.Errorf("selected %d of samples (-want +got):\n%s", r.Selected, diff)
	}
	checkSplit(t, dir, r, 12)
}

// TestBroken curates the repository's broken manifests. Only the invalid records fail, each with its reason.
func TestBroken(t *testing.T) {
	t.Parallel()
	type expectation struct {
		ID     string
		Status string
		Prefix string `json:"reason_prefix"`
	}
	const broken = "../../testdata/broken"
	expected := map[string][]expectation{}
	decode(t, readFile(t, filepath.Join(broken, "expected.json")), &expected)
	for manifest, want := range expected {
		t.Run(manifest, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := curateJSON(t, ".", "--state", filepath.Join(dir, "state"), "--out", filepath.Join(dir, "out"),
				"--budget", "1.0", "--max-failed", "100%", filepath.Join(broken, manifest))
			var got []expectation
			for _, line := range rejectedLines(t, r.Outputs.Rejected) {
				if line.Status == scores.OK {
					continue // a valid sample that is rated 0 for every capability, or has no style
				}
				e := expectation{line.ID, line.Status.String(), line.Reason}
				if i := len(got); i < len(want) && strings.HasPrefix(line.Reason, want[i].Prefix) {
					e.Prefix = want[i].Prefix
				}
				got = append(got, e)
				if line.Place == nil || line.Place.Manifest != manifest {
					t.Errorf("%s: place %+v", line.ID, line.Place)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("records that are not scored (-want +got):\n%s", diff)
			}
			if s := r.Samples; s.In != s.Scored+s.Failed+s.Skipped || s.Failed+s.Skipped != int64(len(want)) || r.Selected == 0 {
				t.Errorf("samples %+v with %d selected, want %d not scored", s, r.Selected, len(want))
			}
		})
	}
}

// TestPool curates the pool. The subset is the same on every machine. Its checksum changes only with the weights of the
// embedded scorer, the reading of records, or the method.
func TestPool(t *testing.T) {
	t.Parallel()
	const (
		pool   = "../../../shared/data/pool"
		subset = "f1da6fb094f4af80003afea0b8dec68f706bfb5a0d39049fb5d53b7567933796"
	)
	thorough.Only(t)
	if _, err := os.Stat(pool); err != nil {
		t.Skip("the pool is not on this machine: " + err.Error())
	}
	dir := t.TempDir()
	got := curateJSON(t, ".", "--state", filepath.Join(dir, "state"), "--out", filepath.Join(dir, "out"),
		"--budget", "30%", "--images", filepath.Join(pool, "images"), filepath.Join(pool, "dataset.json"))
	t.Logf("samples %+v, %v seconds", got.Samples, got.Seconds)
	if s := got.Samples; s.In != 4457 || s.In != s.Scored+s.Failed+s.Skipped || got.Selected != 1337 {
		t.Errorf("%d selected of samples %+v, want 1337 of 4457", got.Selected, s)
	}
	sum := sha256.Sum256([]byte(readFile(t, filepath.Join(dir, "out", "subset.json"))))
	if got := hex.EncodeToString(sum[:]); got != subset {
		t.Errorf("subset.json has the SHA-256 %s, want %s", got, subset)
	}
}
