//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// A disk is a work bucket in a folder on a disk that becomes full.
type disk struct {
	*bucket.Folder
	path string

	mu   sync.Mutex
	left int // number of writes until the disk is full; a negative number is no limit
	made int // number of writes so far
}

// space reports whether the disk has space for one more object.
func (d *disk) space() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	if d.left > 0 {
		d.left--
	}
	return d.left != 0
}

// Create fails in the middle of writing an object if the disk is full.
func (d *disk) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if d.space() {
		return d.Folder.Create(ctx, name, write)
	}
	return d.Folder.Create(ctx, name, func(w io.Writer) error {
		if _, err := w.Write([]byte("{")); err != nil {
			return err
		}
		return &bucket.MachineError{Folder: d.path, Err: syscall.ENOSPC}
	})
}

// Compose fails like Create when the disk is full.
func (d *disk) Compose(ctx context.Context, name string, parts []string) error {
	if d.space() {
		return d.Folder.Compose(ctx, name, parts)
	}
	return &bucket.MachineError{Folder: d.path, Err: syscall.ENOSPC}
}

// TestFullDisk makes the disk of one machine full several times. The system stops with an error that names the folder
// and the fix, and continues when there is space. The outputs equal the outputs on a large disk.
func TestFullDisk(t *testing.T) {
	full := max(givenFaults(t)/2, 1)
	large := newDisk(t)
	if err := onDisk(t, large); err != nil {
		t.Fatal(err)
	}
	s := &system{t: t}
	want := s.outcome(large)
	if len(want) == 0 {
		t.Fatal("there are no objects to compare")
	}
	small, random := newDisk(t), rand.New(rand.NewPCG(uint64(full), 0))
	for n := range full {
		small.left = 1 + random.IntN(max(2*large.made/full, 2))
		err := onDisk(t, small)
		switch {
		case err == nil:
			t.Logf("completed after the disk was full %d times", n)
			compare(t, "full disk", want, s.outcome(small))
			return
		case !strings.Contains(err.Error(), small.path) || !strings.Contains(err.Error(), "no space left on device"):
			t.Fatalf("time %d: the system stopped with %v", n, err)
		}
	}
	small.left = -1
	if err := onDisk(t, small); err != nil {
		t.Fatal(err)
	}
	t.Logf("completed after the disk was full %d times", full)
	compare(t, "full disk", want, s.outcome(small))
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{path: t.TempDir(), left: -1}
	var err error
	if d.Folder, err = bucket.OpenFolder(d.path); err != nil {
		t.Fatal(err)
	}
	return d
}

// onDisk runs the demo in a system of one process until its selection is completed. If the system stops earlier, onDisk
// returns the error.
func onDisk(t *testing.T, work *disk) error {
	t.Helper()
	const demo = "../../../testdata/demo"
	input, err := bucket.NewView(map[string]bucket.Content{
		"datasets/demo/dataset.yaml":       bucket.Literal([]byte("manifests: [parts/dataset.json]\nbudget: 30%\n")),
		"datasets/demo/parts/dataset.json": bucket.AtFile(demo + "/dataset.json"),
		"images/demo/":                     bucket.AtFolder(demo),
	})
	if err != nil {
		t.Fatal(err)
	}
	memory := memorytest.Budget(t)
	scorers, err := kinds.New(kinds.Config{}, memory, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := local.Start(t.Context(), local.Options{
		Input: input, Work: work, OpenScorer: scorers.Open, Log: slog.New(slog.DiscardHandler), Reconcile: time.Second,
		Memory: memory,
		Limits: run.Limits{
			Scorer: kinds.Embedded, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
			Images: images.Limits{
				MaxBytes: 1 << 24, MaxPixels: 1 << 24,
				MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			},
			PlanBytes: 20 << 10, RangeBytes: 32 << 10, ShardSamples: 20, ShardBytes: 1 << 20, InFlight: 16,
		},
	})
	if err != nil {
		return err
	}
	// Report the existing dataset at each start, like the process that serves a folder.
	if err := stack.Upload(t.Context(), "datasets/demo/dataset.yaml"); err != nil {
		return fmt.Errorf("%w: %w", err, stack.Close())
	}
	s := &system{t: t}
	until(t, "end of all that was accepted", patience, func() bool {
		if stack.Context().Err() != nil {
			return true
		}
		completed := func(name string) bool { return strings.HasSuffix(name, "/completed.sent") }
		return slices.ContainsFunc(s.names(work, "runs/"), completed) &&
			slices.Equal(s.names(work, "index/accepted/"), s.names(work, "index/finished/"))
	})
	return stack.Close()
}
