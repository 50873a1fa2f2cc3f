package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer/gpu/sidecartest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// binaries is the folder of the built binaries for all tests.
var binaries string

// functionsBinary builds the functions' binary once for all tests.
var functionsBinary = sync.OnceValues(func() (string, error) { return buildFunctions(context.Background(), binaries) })

// A cluster is `harvest serve --processes`.
type cluster struct {
	*server
	storage string
}

var (
	storagePattern = regexp.MustCompile(`STORAGE_EMULATOR_HOST=(\S+)`)
	processPattern = regexp.MustCompile(`msg="process runs" function=(\S+) pid=(\d+)`)
)

// startCluster starts processes with the input folder `input`, and waits until all processes answer.
func startCluster(t *testing.T, dir string, env []string, args ...string) *cluster {
	t.Helper()
	binary, err := functionsBinary()
	if err != nil {
		t.Fatal(err)
	}
	args = append(
		[]string{"serve", "--processes", "--functions", binary, "--input", "input", "--listen", "127.0.0.1:0"},
		args...)
	c := &cluster{server: &server{cmd: program(t, dir, env, args...)}}
	c.cmd.Stdout, c.cmd.Stderr = &c.events, &c.log
	// Send SIGINT, so that the command stops its processes.
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGINT) }
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Wait() // the end of the test's context stops the command
		if t.Failed() {
			t.Logf("the processes' log:\n%s", c.log.String())
		}
	})
	until(t, "the processes", func() bool {
		if found := apiPattern.FindStringSubmatch(c.log.String()); found != nil {
			c.url, c.storage = found[1], storagePattern.FindStringSubmatch(c.log.String())[1]
		}
		return c.url != ""
	})
	return c
}

// pids returns the latest process ids of the functions.
func (c *cluster) pids(t *testing.T) map[string]int {
	t.Helper()
	pids := map[string]int{}
	for _, found := range processPattern.FindAllStringSubmatch(c.log.String(), -1) {
		pid, err := strconv.Atoi(found[2])
		if err != nil {
			t.Fatal(err)
		}
		pids[found[1]] = pid
	}
	return pids
}

// kill kills a function's process, and waits until another process of the function runs.
func (c *cluster) kill(t *testing.T, function string) {
	t.Helper()
	pid := c.pids(t)[function]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("killing %s: %v", function, err)
	}
	until(t, function+" to be started again", func() bool { return c.pids(t)[function] != pid })
}

// onLoopback checks that other machines cannot reach the ports of a process.
func (c *cluster) onLoopback(t *testing.T) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	ports := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindAllStringSubmatch(c.log.String(), -1)
	if len(ports) < 5 { // three processes and two test doubles
		t.Errorf("ports %v", ports)
	}
	for _, addr := range addrs {
		ip, ok := addr.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		for _, port := range ports {
			if conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.IP.String(), port[1]), time.Second); err == nil {
				conn.Close()
				t.Errorf("%s:%s accepts connections", ip.IP, port[1])
			}
		}
	}
}

// guarded calls the API and all processes like a page of another site, with the right host name and with another host
// name.
func (c *cluster) guarded(t *testing.T) {
	t.Helper()
	call := func(method, url, host, site string, status int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s %s as %q: answered %d, want %d", method, url, host, resp.StatusCode, status)
		}
	}
	api := strings.TrimSuffix(c.url, "/v1/runs")
	call("GET", c.url, "evil.example", "", http.StatusMisdirectedRequest)
	call("POST", api+"/push", "", "", http.StatusNotFound)
	processes := regexp.MustCompile(`msg="process runs" .*url=(\S+)`).FindAllStringSubmatch(c.log.String(), -1)
	if len(processes) < 3 {
		t.Fatalf("processes %q", processes)
	}
	for _, url := range append([]string{api}, processes[0][1], processes[1][1], processes[2][1]) {
		call("POST", url+"/push", "", "cross-site", http.StatusForbidden)
		call("POST", url+"/push", "evil.example", "", http.StatusMisdirectedRequest)
	}
}

// object reads an object of the work bucket.
func (c *cluster) object(t *testing.T, name string) string {
	t.Helper()
	resp, err := http.Get(
		"http://" + c.storage + "/storage/v1/b/" + local.WorkBucket + "/o/" + url.PathEscape(name) + "?alt=media")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reading %s: %s %v", name, resp.Status, err)
	}
	return string(data)
}

// dropDemo writes the demo to an input folder, with the names that objects have in a bucket.
func dropDemo(t *testing.T, dir string) {
	t.Helper()
	demo := filepath.Join("..", "..", "testdata", "demo")
	if err := os.CopyFS(filepath.Join(dir, "images", "demo"), os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "datasets", "demo", "parts", "dataset.json"),
		readFile(t, filepath.Join(demo, "dataset.json")))
	writeFile(t, filepath.Join(dir, "datasets", "demo", "dataset.yaml"), "manifests: [parts/dataset.json]\nbudget: 30%\n")
}

// TestKillProcesses runs the demo in processes that are killed while they work. The results equal the results of the
// system in one process, and all work is one trace. With HARVEST_SOAK, the processes are killed often.
func TestKillProcesses(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	rounds := 1
	if os.Getenv("HARVEST_SOAK") != "" {
		rounds = 10
	}
	dir := t.TempDir()
	dropDemo(t, filepath.Join(dir, "input"))
	finest := []string{"SHARD_SAMPLES=5", "RANGE_BYTES=20000"}

	traces := newCollector(t)
	c := startCluster(t, dir, append(finest, "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url, "OTEL_BSP_SCHEDULE_DELAY=50"))
	c.onLoopback(t)
	c.guarded(t)
	until(t, "the first scores", func() bool { return strings.Contains(c.log.String(), `"message":"shard done"`) })
	for range rounds {
		for _, function := range []string{"score", "ingest", "curate"} {
			c.kill(t, function)
		}
	}
	completed := c.event(t, events.SelectionCompleted)

	one := serving(t, dir, finest...)
	want := one.event(t, events.SelectionCompleted)
	if completed.ID != want.ID || completed.Data != want.Data {
		t.Fatalf("processes completed %+v, one process %+v", completed, want)
	}
	run, selection, _ := strings.Cut(want.ID, "/")
	folder := "runs/" + run + "/selections/" + selection + "/"
	for _, name := range []string{"subset.json", "rejected.jsonl", "picks.parquet", "selection.json"} {
		one := readFile(t, filepath.Join(dir, "state", filepath.FromSlash(folder+name)))
		if diff := cmp.Diff(one, c.object(t, folder+name)); diff != "" {
			t.Errorf("%s (-one process +processes):\n%s", name, diff)
		}
	}
	if strings.Contains(c.log.String(), `"severity":"ERROR"`) {
		t.Error("a process logged an error")
	}
	traces.check(t, run, "harvest-ingest", "harvest-score", "harvest-curate")

	c.smoke(t, dir)
	c.stop(t)
}

// smoke tests the system with ten samples. Then it requests only a plan of the samples, and checks that no run starts.
func (c *cluster) smoke(t *testing.T, dir string) {
	t.Helper()
	api := strings.TrimSuffix(c.url, "/v1/runs")
	smoke := []string{
		"smoke", "--api", api, "--input", "gs://" + local.InputBucket, "--timeout", "1m",
		filepath.Join(dir, "input", "images", "demo", "dataset.json"),
	}
	if a := harvest(t, dir, []string{"STORAGE_EMULATOR_HOST=" + c.storage}, smoke...); a.status != 0 ||
		!strings.Contains(a.stdout, ": 5 of 10 samples selected") {
		t.Errorf("smoke test: status %d: %s%s", a.status, a.stdout, a.stderr)
	}
	runs := c.log.String()
	planned := append([]string{"smoke", "--plan", "--name", "tried"}, smoke[1:]...)
	if a := harvest(t, dir, []string{"STORAGE_EMULATOR_HOST=" + c.storage}, planned...); a.status != 0 ||
		!strings.Contains(a.stdout, "tried-") || !strings.Contains(a.stdout, ": 10 samples are planned, and no run was") {
		t.Errorf("smoke --plan: status %d: %s%s", a.status, a.stdout, a.stderr)
	}
	if more := strings.TrimPrefix(c.log.String(), runs); strings.Contains(more, "run accepted") {
		t.Errorf("smoke --plan started a run: %s", more)
	}
}

// stop ends the command as ctrl-C does, and checks that no process is left.
func (c *cluster) stop(t *testing.T) {
	t.Helper()
	pids := c.pids(t)
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // the test checks its exit status
	if status := c.cmd.ProcessState.ExitCode(); status != 130 ||
		!strings.Contains(c.log.String(), "its buckets were in memory, and their content is lost") {
		t.Errorf("status %d after ctrl-C", status)
	}
	for function, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s still runs: %v", function, err)
		}
	}
}

// TestSmokeFails runs smoke on deployments with faults.
func TestSmokeFails(t *testing.T) {
	t.Parallel()
	const id = "small-0123456789ab"
	status := func(samples string) string {
		return `{"run": "` + id + `", "state": "scored", "samples": ` + samples + `, "selections": ["s"]}`
	}
	for name, tt := range map[string]struct {
		answers map[string]string
		says    string
	}{
		"no run": {map[string]string{"/v1/runs": `{"runs": []}`}, "was not curated within"},
		"refused": {
			map[string]string{"/v1/runs/" + id: `{"state": "refused", "problem": "there is no such scorer"}`},
			"there is no such scorer",
		},
		"failed samples": {
			map[string]string{"/v1/runs/" + id: status(`{"in": 10, "scored": 9, "failed": 1}`)},
			"scored 9 of 10 samples (1 failed",
		},
		"small selection": {
			map[string]string{"/v1/runs/" + id + "/selections/s": `{"state": "completed", "selected": 4}`},
			"selected 4 samples instead of 5",
		},
		"invalid plan": {
			map[string]string{"/v1/plans": `{"samples": 10, "valid": 9, "problems": {"image_not_found": 1}}`},
			"its plan has 10 samples, 9 of them valid: map[image_not_found:1]",
		},
		"not completed": {
			map[string]string{"/v1/runs/" + id + "/selections/s": `{"state": "writing", "selected": 5}`},
			"was not curated within",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			answers := map[string]string{
				"/v1/runs": `{"runs": [{"run": "` + id + `", "dataset": "small"}]}`, "/v1/runs/" + id: status(`{"in": 10,` +
					` "scored": 10}`),
				"/v1/runs/" + id + "/selections/s": `{"state": "completed", "selected": 5}`,
			}
			maps.Copy(answers, tt.answers)
			api := httptest.NewServer(
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answers[r.URL.Path]) }))
			t.Cleanup(api.Close)
			args := []string{"smoke", "--api", api.URL, "--input", "bucket", "--name", "small", "--timeout", "2s"}
			if name == "invalid plan" {
				args = append(args, "--plan")
			}
			a := harvest(t, dir, nil, append(args, newDataset(t, dir, 20, 8))...)
			if a.status != 1 || !strings.Contains(a.stderr, tt.says) {
				t.Errorf("status %d, want 1 and %q: %s", a.status, tt.says, a.stderr)
			}
		})
	}
}

// TestProcessesWithSidecar plans a run through score-gpu, the only service that calls the sidecar.
func TestProcessesWithSidecar(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not tested: starting Python takes long")
	}
	sidecar := sidecartest.Start(t, sidecartest.SureCheckpoint(t))
	const size = 12
	dir := t.TempDir()
	newDataset(t, filepath.Join(dir, "input", "images", "small"), size, 16)
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "a.json"),
		readFile(t, filepath.Join(dir, "input", "images", "small", "dataset.json")))
	traces := newCollector(t)
	c := startCluster(t, dir,
		[]string{"SHARD_SAMPLES=6", "OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.url, "OTEL_BSP_SCHEDULE_DELAY=50"}, "--scorer",
		"gpu:"+sidecar.URL)
	scored := c.event(t, events.RunScored)
	var plan struct {
		Scorer   string
		ScorerID string `json:"scorer_id"`
	}
	decode(t, c.object(t, "runs/"+scored.Data.Run+"/plan.json"), &plan)
	if plan.Scorer != "gpu" || !strings.HasPrefix(plan.ScorerID, "gpu-") {
		t.Errorf("planned for %+v", plan)
	}
	var marker struct{ Samples events.Counts }
	decode(t, c.object(t, "runs/"+scored.Data.Run+"/scored"), &marker)
	if diff := cmp.Diff(events.Counts{In: size, Scored: size}, marker.Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	traces.check(t, scored.Data.Run, "harvest-ingest", "harvest-score-gpu")
	if names := traces.names(); !names["sidecar POST /v1/score"] {
		t.Errorf("no span of the sidecar's requests among %v", names)
	}
}

// TestProcessesFaults starts processes with invalid flags and settings.
func TestProcessesFaults(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "input", "datasets", "none"), "")
	binary, err := functionsBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		env, args []string
		status    int
		says      string
	}{
		"state": {
			args: []string{"--processes", "--state", "x"}, status: 2, says: "--state: with --processes the work bucket is " +
				"in memory",
		},
		"functions alone": {args: []string{"--functions", "x"}, status: 2, says: "--functions: it is only for --processes"},
		"no binary":       {args: []string{"--processes", "--functions", "/none"}, status: 1, says: "/none"},
		"no scorer":       {args: []string{"--processes", "--scorer", "gpt"}, status: 2, says: "there is no such kind"},
		"listens nowhere": {
			args: []string{"--processes", "--functions", binary, "--listen", "8080"}, status: 1, says: "127.0.0.1:8080",
		},
		"scorer nowhere": {env: []string{"SCORER=gpu"}, args: nil, status: 2, says: "SCORER"},
		"traces to nowhere": {
			env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=x"}, args: nil, status: 2, says: "OTEL_EXPORTER_OTLP_ENDPOINT",
		},
		"refused environment": {
			env: []string{"SHARD_SAMPLES=many"}, args: []string{"--processes", "--functions", binary}, status: 1,
			says: "SHARD_SAMPLES: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := harvest(t, dir, tt.env, append([]string{"serve", "--input", "input"}, tt.args...)...)
			if a.status != tt.status || !strings.Contains(a.stderr, tt.says) {
				t.Errorf("status %d, want %d and %q: %s", a.status, tt.status, tt.says, a.stderr)
			}
		})
	}
}
