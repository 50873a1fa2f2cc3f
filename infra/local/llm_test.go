package local_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"github.com/harvest-ml/harvest/shared/scorer/llm/enginetest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestRealVisionServer runs samples of the pool through the whole system with a real vision model that has random
// weights. A proxy in front of the server refuses every sixth request for a second, and the server is killed and
// started again. The last samples are invalid. Each sample has a status, and only the invalid samples are recorded as
// failed.
func TestRealVisionServer(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	server := enginetest.Start(t)
	const valid = 8
	input := visionInput(t, valid)
	proxy := newUnreliable(t, server)

	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	model := llm.Config{
		URL: proxy.URL, Model: "tiny", Concurrency: 4, MaxTokens: 1200, Prices: "tiny=1/2", MaxCost: 10,
	}
	opener, err := kinds.New(kinds.Config{LLM: model}, memorytest.Budget(t), work, nil)
	if err != nil {
		t.Fatal(err)
	}
	status := scoreDataset(t, input, work, opener)
	<-proxy.killed
	t.Logf("%d requests, %d refused for a while, samples %+v, reasons %v",
		proxy.asked.Load(), proxy.refused.Load(), status.Samples, status.Reasons)

	records := runScores(t, work, status.Run)
	counts, ratings := checkRated(t, records, valid)
	if counts != status.Samples || counts.In != valid+2 || counts.In != counts.Scored+counts.Failed+counts.Skipped {
		t.Errorf("%+v are in the scores, and %+v in the status", counts, status.Samples)
	}
	if counts.Scored < valid/2 || len(ratings) < 2 || proxy.refused.Load() == 0 {
		t.Errorf("%d samples scored, ratings %v, %d requests refused: too few for this test",
			counts.Scored, ratings, proxy.refused.Load())
	}
	if broken := records[valid]; broken.Code != images.Undecodable {
		t.Errorf("the broken image: %q", broken.Reason)
	}
	if long := records[valid+1]; long.Code != llm.Refused || !strings.Contains(long.Reason, "context") {
		t.Errorf("the overlong text: %q", long.Reason)
	}
	spent, err := llm.Spent(t.Context(), work, status.Run)
	if err != nil || spent <= 0 {
		t.Errorf("spent $%v, error %v", spent, err)
	}
}

// checkRated returns the number of records by status, and the number of ratings by value. The first records are valid.
// Each of them must be scored, unless the model gave no valid answer.
func checkRated(t *testing.T, records []scores.Record, valid int) (events.Counts, map[int8]int) {
	t.Helper()
	ratings := map[int8]int{}
	counts := events.Counts{In: int64(len(records))}
	for i, rec := range records {
		switch rec.Status {
		case scores.OK:
			counts.Scored++
		case scores.Failed:
			counts.Failed++
		case scores.Skipped:
			counts.Skipped++
		}
		for _, rating := range rec.Ratings {
			ratings[rating]++
		}
		// A random model may give two invalid answers, or generate text until it is cut off. This server reports the
		// latter as its own failure.
		excused := rec.Code == llm.InvalidAnswer ||
			(rec.Code == scorer.Died && strings.Contains(rec.Reason, "does not match the expected"))
		if i < valid && rec.Status != scores.OK && !excused {
			t.Errorf("%s is %v: %s", rec.ID, rec.Status, rec.Reason)
		}
	}
	return counts, ratings
}

// An unreliable is a proxy in front of a server. It refuses every sixth request for a second. After four answers, the
// server is killed and started again.
type unreliable struct {
	*httptest.Server
	asked, refused, answered atomic.Int32
	killed                   chan struct{} // closed when the server runs again
}

func newUnreliable(t *testing.T, server *enginetest.Server) *unreliable {
	t.Helper()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	forward := httputil.NewSingleHostReverseProxy(target)
	// The server itself would also break the connection.
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	u := &unreliable{killed: make(chan struct{})}
	kill := make(chan struct{}, 1)
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u.asked.Add(1)%6 == 0 {
			u.refused.Add(1)
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error": {"message": "slow down"}}`, http.StatusTooManyRequests)
			return
		}
		forward.ServeHTTP(w, r)
		if u.answered.Add(1) == 4 {
			kill <- struct{}{}
		}
	}))
	t.Cleanup(u.Close)
	go func() {
		defer close(u.killed)
		<-kill
		server.Kill()
		time.Sleep(time.Second) // during this time requests fail
		server.Restart()
	}()
	return u
}

// visionInput returns a dataset of some samples of the pool, a sample with a broken image, and a sample that is too
// long for the model.
func visionInput(t *testing.T, n int) bucket.Reader {
	t.Helper()
	folder := enginetest.Shared(t, "data/pool")
	data, err := os.ReadFile(filepath.Join(folder, "dataset.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, chosen []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for i := 0; len(chosen) < n; i += 7 {
		if record := all[i*101%len(all)]; len(record) < 1500 {
			chosen = append(chosen, record)
		}
	}
	const record = `{"id": %id, "image": "%image", "conversations": [` +
		`{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "%answer"}]}`
	for _, fields := range [][]string{
		{"%id", `"broken"`, "%image", "made/broken.png", "%answer", "A wren."},
		{"%id", `"long"`, "%image", "made/valid.png", "%answer", strings.Repeat("A wren sings. ", 1000)},
	} {
		chosen = append(chosen, json.RawMessage(strings.NewReplacer(fields...).Replace(record)))
	}
	manifest, err := json.Marshal(chosen)
	if err != nil {
		t.Fatal(err)
	}
	made := t.TempDir()
	data = smallPNG(t)
	for name, content := range map[string][]byte{"valid.png": data, "broken.png": data[:len(data)/2]} {
		if err := os.WriteFile(filepath.Join(made, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entries := map[string]bucket.Content{
		"datasets/pool/parts/pool.json": bucket.Literal(manifest),
		"datasets/pool/rubric.yaml": bucket.Literal([]byte("name: short\n" +
			"capabilities: [logical deduction, humanities, charm]\n" +
			"styles: [yes/no, word/short-phrase, detailed description]\n")),
		"datasets/pool/dataset.yaml": bucket.Literal([]byte("manifests: [parts/pool.json]\n" +
			"rubric: rubric.yaml\nscorer: llm\n")),
		"images/pool/made/": bucket.AtFolder(made),
	}
	folders, err := os.ReadDir(filepath.Join(folder, "images"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		entries["images/pool/"+f.Name()+"/"] = bucket.AtFolder(filepath.Join(folder, "images", f.Name()))
	}
	input, err := bucket.NewView(entries)
	if err != nil {
		t.Fatal(err)
	}
	return input
}

// scoreDataset starts the system and the run of the dataset pool, and waits until the run is scored.
func scoreDataset(t *testing.T, input bucket.Reader, work bucket.Bucket, opener *kinds.Opener) *run.Status {
	t.Helper()
	limits := run.Limits{
		Scorer: kinds.Embedded, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
		Images: images.Limits{
			MaxBytes: 64 << 20, MaxPixels: 100_000_000,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		PlanBytes: 8 << 30, RangeBytes: 16 << 20, ShardSamples: 8, ShardBytes: 64 << 20, InFlight: 16,
	}
	st, err := local.Start(t.Context(), local.Options{
		Input: input, Work: work, Limits: limits, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		OpenScorer: opener.Open, Memory: memorytest.Budget(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := st.Upload(t.Context(), "datasets/pool/dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for {
		ids, err := st.Runs.Runs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) == 1 {
			status, err := st.Runs.Status(t.Context(), ids[0])
			if err != nil {
				t.Fatal(err)
			}
			if status.State == run.StateScored {
				return status
			}
			working := status.State == run.StatePlanning || status.State == run.StateScoring
			if !working || time.Now().After(deadline) {
				t.Fatalf("not scored in time: %+v", status)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// runScores returns the scores of a run of one range.
func runScores(t *testing.T, work bucket.Reader, id string) []scores.Record {
	t.Helper()
	body, err := work.Open(t.Context(), "runs/"+id+"/scores/0000.parquet", 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	table, err := scores.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return table.Records
}

func smallPNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 48, 32))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
