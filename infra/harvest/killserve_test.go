package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// demoSubset is the beginning of the SHA-256 of the demo's subset at 30 %.
const demoSubset = "5b3c40879b5b469f37ec"

// TestKillServe kills `harvest serve` at random moments. The first kill comes after the upload of the demo, or after
// the answer to its POST, and the last kill before the last event. The run, its selections and their events are
// completed, with the same ids and the same bytes. With HARVEST_SOAK there are 60 kills.
func TestKillServe(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	rounds, kills := 1, 2
	if os.Getenv("HARVEST_SOAK") != "" {
		rounds, kills = 3, 10
	}
	for round := range rounds {
		for _, way := range []string{"upload", "api"} {
			t.Run(fmt.Sprintf("%s %d", way, round), func(t *testing.T) {
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				k := &killing{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 0))}
				k.accept(way)
				for range kills {
					k.kill()
					if way == "api" {
						k.choose()
					}
				}
				k.check()
			})
		}
	}
}

// A killing is a server that is killed and started again.
type killing struct {
	t      *testing.T
	dir    string
	random *rand.Rand
	lives  []*server
	chosen []string // ids of selections that were accepted
}

func (k *killing) start() {
	k.t.Helper()
	k.lives = append(k.lives, serving(k.t, k.dir, "SHARD_SAMPLES=20", "RANGE_BYTES=20000", "IN_FLIGHT=3"))
}

func (k *killing) now() *server { return k.lives[len(k.lives)-1] }

// accept starts the system, and waits until it has accepted the demo.
func (k *killing) accept(way string) {
	k.t.Helper()
	demo := os.DirFS(filepath.Join("..", "..", "testdata", "demo"))
	if err := os.CopyFS(filepath.Join(k.dir, "input", "images", "demo"), demo); err != nil {
		k.t.Fatal(err)
	}
	datasets := filepath.Join(k.dir, "input", "datasets", "demo")
	writeFile(k.t, filepath.Join(datasets, "parts", "a.json"),
		readFile(k.t, filepath.Join(k.dir, "input", "images", "demo", "dataset.json")))
	k.start()
	if way == "upload" {
		writeFile(k.t, filepath.Join(datasets, "dataset.yaml"), "manifests: [parts/a.json]\nbudget: 30%\n")
		return
	}
	const body = `{"dataset": "demo", "manifests": ["parts/a.json"], "budget": "30%"}`
	if status := k.post("", body, &subset.RunStatus{}); status != http.StatusAccepted {
		k.t.Fatalf("the POST of the run was answered %d", status)
	}
}

// post calls the API below the path of runs, and decodes an answer with a status of 2xx.
func (k *killing) post(path, body string, answer any) int {
	k.t.Helper()
	resp, err := http.Post(k.now().url+path, "application/json", strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 == 2 {
		err = json.NewDecoder(bytes.NewReader(data)).Decode(answer)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return resp.StatusCode
}

// kill kills the system at a random moment, or directly after the next event, and starts it again.
func (k *killing) kill() {
	k.t.Helper()
	wait := time.Duration(k.random.Int64N(int64(50 * time.Millisecond)))
	if k.random.IntN(3) > 0 {
		wait = time.Duration(k.random.Int64N(int64(4 * time.Second)))
	}
	before, untilEvent := k.now().events.String(), k.random.IntN(3) == 0
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if untilEvent && k.now().events.String() != before {
			break
		}
	}
	signal := syscall.SIGKILL
	if k.random.IntN(3) == 0 {
		signal = syscall.SIGTERM
	}
	if err := k.now().cmd.Process.Signal(signal); err != nil {
		k.t.Fatal(err)
	}
	_ = k.now().cmd.Wait() // killed
	k.start()
}

// choose requests a selection of the run. The API accepts the request if the run is scored.
func (k *killing) choose() {
	k.t.Helper()
	budgets := []string{"10%", "20%", "30%"}
	body := fmt.Sprintf(`{"budget": %q}`, budgets[k.random.IntN(len(budgets))])
	var sel api.SelectionStatus
	switch status := k.post("/"+k.now().runs(k.t)[0].Run+"/selections", body, &sel); status {
	case http.StatusConflict: // not scored
	case http.StatusOK, http.StatusAccepted:
		k.chosen = append(k.chosen, sel.ID)
	default:
		k.t.Errorf("the POST of a selection was answered %d", status)
	}
}

// check waits until all accepted work is completed, and checks that there is no other work.
func (k *killing) check() {
	k.t.Helper()
	var id string
	until(k.t, "the run", func() bool {
		runs := k.now().runs(k.t)
		if len(runs) == 1 {
			id = runs[0].Run
		}
		return id != "" && slices.Contains(k.ids(events.RunScored), id)
	})
	outputs := filepath.Join(k.dir, "state", "runs", id, "selections")
	var due []string
	until(k.t, "the selections", func() bool {
		due = nil
		for _, sel := range k.chosen {
			due = append(due, id+"/"+sel)
		}
		made, err := filepath.Glob(filepath.Join(outputs, "*", "subset.json"))
		if err != nil {
			k.t.Fatal(err)
		}
		for _, path := range made {
			sum := sha256.Sum256([]byte(readFile(k.t, path)))
			if strings.HasPrefix(hex.EncodeToString(sum[:]), demoSubset) {
				due = append(due, id+"/"+filepath.Base(filepath.Dir(path)))
				slices.Sort(due)
				due = slices.Compact(due)
				return cmp.Equal(due, k.ids(events.SelectionCompleted))
			}
		}
		return false
	})
	if got := k.ids(events.RunScored); len(got) != 1 {
		k.t.Errorf("the ids of %s are %v, want one", events.RunScored, got)
	}
	_ = k.now().cmd.Process.Kill()
	_ = k.now().cmd.Wait() // killed
	for _, life := range k.lives {
		if log := life.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
			k.t.Errorf("its log:\n%s", log)
		}
	}
}

// ids returns the ids of all printed events of a type, of all processes, each once.
func (k *killing) ids(kind string) []string {
	k.t.Helper()
	var ids []string
	for _, life := range k.lives {
		for line := range strings.Lines(life.events.String()) {
			var event printedEvent
			if strings.HasSuffix(line, "\n") {
				decode(k.t, line, &event)
			}
			if event.Type == events.CloudEventType(kind) {
				ids = append(ids, event.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
