package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/gpu/sidecartest"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores"
)

// poolSamples is the number of samples, rated in shards of poolShard. Some are text-only, and some have two images.
const poolSamples, poolShard = 60, 20

// TestRealSidecar runs samples of the pool through the whole system with the real sidecar. Then it repeats this, and
// kills the sidecar in the middle of every shard. The scores are equal, and no sample is recorded as failed.
func TestRealSidecar(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not tested: starting Python takes long")
	}
	input := poolBucket(t)
	process := sidecartest.Start(t, sidecartest.SureCheckpoint(t))

	want := scoredPool(t, input, process, nil)
	ratings := map[int8]int{}
	for _, rec := range want {
		if rec.Status != scores.OK {
			t.Errorf("%s is %v: %s", rec.ID, rec.Status, rec.Reason)
			continue
		}
		for c, rating := range rec.Ratings {
			ratings[rating]++
			if expected := rec.Expected[c]; rating != scorer.Missing &&
				!(rec.Mass[c] >= 0.5 && rec.Margin[c] >= 0 && expected >= 0 && expected <= scorer.MaxRating) {
				t.Errorf("%s has rating %d, expected score %v, mass %v, margin %v",
					rec.ID, rating, expected, rec.Mass[c], rec.Margin[c])
			}
		}
	}
	delete(ratings, scorer.Missing)
	if len(want) != poolSamples || len(ratings) < 2 {
		t.Fatalf("%d samples, ratings %v: too few to compare", len(want), ratings)
	}
	t.Logf("ratings %v", ratings)

	deaths := 0
	got := scoredPool(t, input, process, func() {
		deaths++
		time.Sleep(200 * time.Millisecond) // one batch is being rated, and the next is being sent
		process.Kill()
		time.Sleep(300 * time.Millisecond) // during this time requests are refused
		process.Restart()
	})
	if deaths < 2 {
		t.Errorf("the sidecar was killed %d times", deaths)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 2.0/scorer.ExpectedUnits)); diff != "" {
		t.Errorf("scores (-undisturbed +with a sidecar that was killed)\n%s", diff)
	}
}

// A watched scorer reports whether it is rating.
type watched struct {
	scorer.Scorer
	rating *atomic.Int32
}

func (w watched) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	w.rating.Add(1)
	defer w.rating.Add(-1)
	return w.Scorer.Rate(ctx, items)
}

// poolBucket returns an input bucket with a dataset of some samples of the pool.
func poolBucket(t *testing.T) bucket.Reader {
	t.Helper()
	folder := sidecartest.Shared(t, "data/pool")
	data, err := os.ReadFile(filepath.Join(folder, "dataset.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, chosen []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for i := range poolSamples {
		chosen = append(chosen, all[i*len(all)/poolSamples])
	}
	manifest, err := json.Marshal(chosen)
	if err != nil {
		t.Fatal(err)
	}
	input, err := bucket.NewView(map[string]bucket.Content{
		"datasets/pool/pool.json": bucket.Literal(manifest), "images/pool/": bucket.AtFolder(filepath.Join(folder, "images")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return input
}

// scoredPool scores the pool in a new work bucket. If disturb is not nil, it is called while samples are rated: at the
// start, and each time that progress was made.
func scoredPool(t *testing.T, input bucket.Reader, process *sidecartest.Process, disturb func()) []scores.Record {
	t.Helper()
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	scorers, err := kinds.New(kinds.Config{GPU: process.URL}, memorytest.Budget(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	limits := run.Limits{
		Scorer: kinds.GPU, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
		Images: images.Limits{
			MaxBytes: 64 << 20, MaxPixels: 100_000_000,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		PlanBytes: 8 << 30, RangeBytes: 16 << 20, ShardSamples: poolShard, ShardBytes: 64 << 20, InFlight: 16,
	}
	var rating atomic.Int32
	st, err := local.Start(t.Context(), local.Options{
		Input: input, Work: work, Limits: limits, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Memory: memorytest.Budget(t),
		OpenScorer: func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
			opened, err := scorers.Open(ctx, kind, r)
			return watched{opened, &rating}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := st.Upload(t.Context(), "datasets/pool/pool.json"); err != nil {
		t.Fatal(err)
	}
	status := whenScored(t, st, &rating, disturb)
	if status.Scorer != kinds.GPU {
		t.Errorf("the run's scorer is %q, want its kind, %q", status.Scorer, kinds.GPU)
	}
	records := firstRange(t, work, status.Run)
	flags := map[string]int64{}
	for _, rec := range records {
		for _, flag := range rec.Flags {
			flags[flag]++
		}
	}
	if diff := cmp.Diff(flags, status.Flags); diff != "" || flags["off_reference"] == 0 {
		t.Errorf("flags in the status (-of the records +got)\n%s", diff)
	}
	return records
}

// whenScored waits until the stack's run is scored. If disturb is not nil, it is called while samples are rated, each
// time that progress was made.
func whenScored(t *testing.T, st *local.Stack, rating *atomic.Int32, disturb func()) *run.Status {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	var status *run.Status
	for at := int64(-1); status == nil || status.State != run.StateScored; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not scored in time: %+v", status)
		}
		ids, err := st.Runs.Runs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) == 0 {
			continue
		}
		if status, err = st.Runs.Status(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		if disturb != nil && status.Progress.SamplesDone > at && rating.Load() > 0 {
			at = status.Progress.SamplesDone
			disturb()
		}
	}
	return status
}

// firstRange returns the scores of a run's first range.
func firstRange(t *testing.T, work bucket.Reader, id string) []scores.Record {
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
