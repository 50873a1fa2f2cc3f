package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// trainingRetries is the number of times that serve retries a failed training.
	trainingRetries = 3
	// trainingPause is the pause before the first retry; each further pause is twice as long.
	trainingPause = time.Second
	// trainingPoll is the pause between two checks of a running training.
	trainingPoll = 300 * time.Millisecond
)

// trainings runs a command at least once for every completed automatic selection, one after the other. It keeps its
// progress in the state folder, so after a restart serve continues from there. Only the operator names the command; an
// uploaded dataset must not, because any user may upload it.
type trainings struct {
	command string
	state   string // absolute
	input   string // place of the images: an absolute folder, or gs://name
	work    *bucket.Folder
	exports *exporter
	log     *slog.Logger
}

// newTrainings returns an error if the work bucket is not a folder, because other buckets have no locks.
func newTrainings(
	command, input string, work bucket.Bucket, exports *exporter, log *slog.Logger,
) (*trainings, error) {
	folder, ok := work.(*bucket.Folder)
	if !ok {
		return nil, usageError{errors.New("--on-selection needs a state folder on this machine: give a folder with " +
			"--state; infra/examples/trainer starts trainings elsewhere")}
	}
	if !strings.HasPrefix(input, "gs://") {
		var err error
		if input, err = filepath.Abs(input); err != nil {
			return nil, fmt.Errorf("--input: %w", err)
		}
	}
	return &trainings{
		command: command, state: filepath.Dir(folder.Path(run.Root)), input: strings.TrimSuffix(input, "/"), work: folder,
		exports: exports, log: log,
	}, nil
}

// update trains on the completed selections without a training. Only one serve process does this at a time.
func (t *trainings) update(ctx context.Context) error {
	dir := filepath.Join(t.state, trainingsFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return bucket.MachineFault(dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return bucket.MachineFault(dir, err)
	}
	defer lock.Close()
	if err := bucket.LockFile(lock); errors.Is(err, errors.ErrUnsupported) {
		return errors.New("--on-selection: it works only on Unix, where a child process inherits a locked file; remove it")
	} else if err != nil {
		return fmt.Errorf("locking %s: %w", dir, err)
	}
	all, err := t.exports.subsets.Automatic(ctx)
	if err != nil {
		return err
	}
	var unwritten []error // failed exports, which do not stop other trainings
	for _, one := range all {
		if j := newJob(t.state, one.Run, one.Selection); !j.has("done") && !j.has("failed") {
			err := t.train(ctx, j)
			if err != nil {
				err = fmt.Errorf("training on selection %s of run %s: %w", j.selection, j.run, err)
			}
			if failed, ok := errors.AsType[*exportError](err); ok {
				unwritten = append(unwritten, failed)
			} else if err != nil {
				return err
			}
		}
	}
	return errors.Join(unwritten...)
}

// train runs the attempts of a job until an attempt succeeds or no attempt is left. It does nothing while the selection
// is not completed.
func (t *trainings) train(ctx context.Context, j job) error {
	sel, err := t.exports.subsets.Selection(ctx, j.run, j.selection)
	if errors.Is(err, subset.ErrNoSelection) {
		return nil // the selection is requested, but not made yet
	} else if err != nil {
		return err
	}
	if state, err := t.exports.subsets.State(ctx, sel); err != nil || state != subset.StateCompleted {
		return err
	}
	environ, err := t.environ(ctx, j, sel)
	if err != nil {
		return err
	}
	for waiting := false; ; {
		a, err := j.look()
		if err != nil {
			return err
		}
		about := []any{"dataset", sel.Dataset, "run", j.run, "selection", j.selection, "attempt", a.last}
		pause := time.Duration(0)
		switch {
		case a.state == succeeded:
			t.log.Info("training ended", about...)
			return j.mark("done", struct{}{})
		case a.state == failed && a.failures > trainingRetries:
			t.log.Error("training failed; serve tries again only after `harvest resume`",
				append(about, "error", a.problem, "log", j.file(a.last, "log"))...)
			return j.mark("failed", map[string]any{"problem": a.problem, "log": j.file(a.last, "log")})
		case a.state == running:
			if !waiting {
				t.log.Info("training runs", about...)
			}
			waiting, pause = true, trainingPoll
		case a.state == failed:
			pause = trainingPause << (max(a.failures, 1) - 1)
			t.log.Warn("training failed; serve tries again",
				append(about, "error", a.problem, "log", j.file(a.last, "log"))...)
		case a.state == died:
			t.log.Warn("training ended without a recorded result; serve starts it again",
				append(about, "log", j.file(a.last, "log"))...)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if a.state != running {
			waiting = false
			next := a.last + 1
			attempt := append([]string{"HARVEST_ATTEMPT=" + strconv.Itoa(next)}, environ...)
			if err := j.start(next, t.command, attempt); err != nil {
				return err
			}
		}
	}
}

// environ returns the environment variables of a training, without the number of the attempt.
func (t *trainings) environ(ctx context.Context, j job, sel *subset.Selection) ([]string, error) {
	plan, err := t.exports.runs.Plan(ctx, j.run)
	if err != nil {
		return nil, err
	}
	parameters, err := json.Marshal(sel.Parameters)
	if err != nil {
		return nil, err
	}
	exported, err := t.export(ctx, j, sel)
	if err != nil {
		return nil, err
	}
	file := func(object string) string { return filepath.Join(t.state, filepath.FromSlash(object)) }
	return append(exported, []string{
		"HARVEST_JOB=" + j.name(), "HARVEST_DATASET=" + sel.Dataset, "HARVEST_RUN=" + j.run,
		"HARVEST_SELECTION=" + j.selection, "HARVEST_SELECTED=" + strconv.Itoa(sel.Selected),
		"HARVEST_SUBSET=" + file(sel.Outputs.Subset), "HARVEST_EXPORT=" + filepath.Dir(file(sel.Outputs.Subset)),
		"HARVEST_IMAGES=" + t.input + "/" + strings.TrimSuffix(plan.Images, "/"),
		"HARVEST_PARAMETERS=" + string(parameters),
	}...), nil
}

// An exportError is the transient error of an export that dataset.yaml requests.
type exportError struct{ error }

// Unwrap returns the cause.
func (e *exportError) Unwrap() error { return e.error }

// export writes the export that dataset.yaml requests into the folder of the job. A later request does not change this
// export. export returns environment variables that describe the export.
func (t *trainings) export(ctx context.Context, j job, sel *subset.Selection) ([]string, error) {
	request, err := t.exports.request(ctx, sel.Dataset)
	if err != nil || request.IsZero() {
		return nil, err
	}
	dir := filepath.Join(j.dir, request.For)
	if err := t.exports.write(ctx, request, sel, dir, t.state); err != nil {
		if _, machine := errors.AsType[*bucket.MachineError](err); machine {
			return nil, err
		}
		return nil, &exportError{err}
	}
	return []string{"HARVEST_TRAINER=" + request.For, "HARVEST_TRAINER_FOLDER=" + dir}, nil
}
