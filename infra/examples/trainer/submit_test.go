package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"go.yaml.in/yaml/v3"
)

// Each fake keeps its jobs in $STATE, in files with the names of the jobs.
const (
	fakeKubectl = `#!/bin/bash
[ "$*" = "create -f -" ] || exit 2
cat >"$STATE/new"
name=$(sed -n 's/^  name: //p' "$STATE/new")
if [ -n "$AWAY" ]; then echo "connection refused" >&2; exit 1; fi
if [ -e "$STATE/$name" ]; then echo "Error from server (AlreadyExists): jobs \"$name\" already exists" >&2; exit 1; fi
mv "$STATE/new" "$STATE/$name"
echo "job.batch/$name created"
`
	fakeGcloud = `#!/bin/bash
[ "$1 $2" = "ai custom-jobs" ] && [[ "$*" = *" --region=west" ]] || exit 2
if [ -n "$AWAY" ]; then echo "connection refused" >&2; exit 1; fi
case "$3" in
list) name=${4#--filter=displayName=}; [ ! -e "$STATE/$name" ] || echo "jobs/$name" ;;
create) cp "${5#--config=}" "$STATE/${4#--display-name=}" ;;
*) exit 2 ;;
esac
`
)

// TestSubmit runs both scripts twice with fakes. Each script submits one job, with the name from trainer and the
// subset's URI.
func TestSubmit(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for name, text := range map[string]string{"kubectl": fakeKubectl, "gcloud": fakeGcloud} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"submit-kubernetes.sh", "submit-vertex.sh"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			submit := func(more ...string) error {
				cmd := exec.CommandContext(t.Context(), "./"+script)
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "STATE="+state, "AWAY=", "REGION=west",
					"IMAGE=trainer@sha256:0", "HARVEST_JOB=harvest-0123", "HARVEST_SUBSET_URI=gs://work/subset.json",
					"HARVEST_IMAGES=gs://input/images/demo/", "HARVEST_RUN=r", "HARVEST_SELECTION=s")
				cmd.Env = append(cmd.Env, more...)
				out, err := cmd.CombinedOutput()
				t.Logf("%s", out)
				return err
			}
			if err := submit("AWAY=1"); err == nil {
				t.Error("the script succeeds, although the job system is unreachable")
			}
			for range 2 {
				if err := submit(); err != nil {
					t.Fatal(err)
				}
			}
			job, err := os.ReadFile(filepath.Join(state, "harvest-0123"))
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(job, new(map[string]any)); err != nil || !strings.Contains(string(job),
				`{name: HARVEST_SUBSET, value: "gs://work/subset.json"}`) {
				t.Errorf("the job is %s (%v)", job, err)
			}
		})
	}
}

// TestPush delivers an event by push while another consumer starts its training, and after the training was started.
// Both times nothing is downloaded, and the command is not run.
func TestPush(t *testing.T) {
	t.Parallel()
	c := consumer{
		open: func(context.Context, string) (bucket.Bucket, error) {
			t.Error("a subset is fetched")
			return nil, errors.New("away")
		},
		out: t.TempDir(), command: []string{"false"}, log: slog.New(slog.DiscardHandler),
		starts: ledger{bucket: folder(t), lease: time.Minute, now: time.Now},
	}
	const id = "r/s"
	data, err := json.Marshal(events.SelectionEvent{
		Run: "r", Selection: "s", Selected: 1, Outputs: map[string]events.Object{"subset": {URI: "gs://away/subset.json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	push := func() int {
		t.Helper()
		envelope, err := json.Marshal(map[string]any{"message": map[string]any{
			"data": data, "messageId": "1",
			"attributes": map[string]string{events.AttrType: events.SelectionCompleted, "ce-id": id},
		}})
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		c.push().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(envelope)))
		return answer.Code
	}
	number, err := c.starts.begin(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if status := push(); status < 500 {
		t.Errorf("while another consumer starts the training: status %d, want a status that causes a redelivery", status)
	}
	if err := c.starts.end(t.Context(), id, number, nil); err != nil {
		t.Fatal(err)
	}
	if status := push(); status != http.StatusNoContent {
		t.Errorf("after the training was started: status %d, want 204", status)
	}
}
