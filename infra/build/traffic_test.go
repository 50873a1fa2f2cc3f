package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// fakeGcloud keeps two services in a file. Each line has a service, its serving revision, its newest revision, and the
// revision of the candidate. It accepts only the calls of traffic.sh.
const fakeGcloud = `#!/usr/bin/env python3
import json, os, sys

state = os.environ["STATE"] + "/services"
args, flags = [], {}
for a in sys.argv[1:]:
    if a.startswith("--"):
        name, _, value = a.partition("=")
        flags[name] = value
    else:
        args.append(a)
assert flags["--project"] == "farm", flags
services = [line.split() for line in open(state)]
if args == ["run", "services", "list"]:
    assert flags["--format"] == "json"
    print(json.dumps([{
        "metadata": {"name": n, "labels": {"cloud.googleapis.com/location": "west"}},
        "status": {"latestReadyRevisionName": newest, "traffic": [{"revisionName": serving, "percent": 100}] + (
            [] if tagged == "-" else [
                {"revisionName": tagged, "tag": "candidate", "url": "https://candidate---" + n}])},
    } for n, serving, newest, tagged in services]))
    sys.exit()
assert args[:3] == ["run", "services", "update-traffic"] and flags["--region"] == "west", sys.argv
for s in services:
    if s[0] == args[3]:
        if "--to-latest" in flags: s[1] = s[2]
        if "--to-revisions" in flags: s[1] = flags["--to-revisions"].removesuffix("=100")
        if "--set-tags" in flags: s[3] = flags["--set-tags"].removeprefix("candidate=")
        if "--remove-tags" in flags: s[3] = "-"
open(state, "w").write("".join(" ".join(s) + "\n" for s in services))
`

// TestTraffic follows the revisions of a deployment through a successful build and a failed build.
func TestTraffic(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("not tested: there is no python3")
	}
	bin, state := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "gcloud"), []byte(fakeGcloud), 0o755); err != nil {
		t.Fatal(err)
	}
	services := filepath.Join(state, "services")
	set := func(content string) {
		t.Helper()
		if err := os.WriteFile(services, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(file, content string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(state, file))
		if err != nil || string(got) != content {
			t.Errorf("%s holds %q (%v), want %q", file, got, err, content)
		}
	}
	run := func(command string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "traffic.sh", command)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "STATE="+state, "_NAME=harvest", "PROJECT_ID=farm")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	deployed := strings.NewReplacer("curate-1 curate-1", "curate-1 curate-2", "score-1 score-1", "score-1 score-2")

	set("harvest-curate curate-1 curate-1 -\nharvest-score score-1 score-1 -\nother other-1 other-2 -\n")
	run("pin")
	data, err := os.ReadFile(services)
	if err != nil {
		t.Fatal(err)
	}
	set(deployed.Replace(string(data))) // Terraform deploys these revisions, and does not change the traffic
	run("candidate")
	const other = "other other-1 other-2 -\n"
	want("services", "harvest-curate curate-1 curate-2 curate-2\nharvest-score score-1 score-2 score-2\n"+other)
	want("candidate_url", "https://candidate---harvest-curate\n")
	run("shift")
	want("services", "harvest-curate curate-2 curate-2 -\nharvest-score score-2 score-2 -\n"+other)
	run("back")
	want("services", "harvest-curate curate-1 curate-2 -\nharvest-score score-1 score-2 -\n"+other)

	// In these cases nothing is deployed yet, or the images are the same.
	for _, empty := range []string{"", "harvest-curate curate-1 curate-1 -\n"} {
		set(empty)
		for _, command := range []string{"pin", "candidate", "shift", "back"} {
			run(command)
		}
		want("services", empty)
		want("candidate_url", "")
	}
}
