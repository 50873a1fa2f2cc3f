package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// A service is the system that serve runs.
type service struct {
	serveFlags
	input     bucket.Reader
	work      bucket.Bucket
	log       *slog.Logger
	printer   eventPrinter
	exports   *exporter
	followers []follower
}

// A follower does the work after completed selections: it writes subsets or runs trainings.
type follower struct {
	update func(context.Context) error
	wake   chan struct{} // holds one value after a selection was completed
}

func (s *service) follow(update func(context.Context) error) {
	s.followers = append(s.followers, follower{update, make(chan struct{}, 1)})
}

// limits returns the limits of the environment, with the default budget of --budget.
func (f serveFlags) limits(ctx context.Context) (run.Limits, error) {
	l, err := limits(ctx)
	if err != nil || f.budget == "" {
		return l, err
	}
	if l.Budget, err = selection.ParseBudget(f.budget); err != nil {
		return l, usageError{fmt.Errorf("--budget: %w", err)}
	}
	return l, nil
}

// checkProcesses returns an error for the first flag that serve --processes does not support.
func (f serveFlags) checkProcesses() error {
	for _, is := range []struct {
		flag  string
		given bool
	}{
		{"--budget", f.budget != ""}, {"--out", f.out != ""}, {"--follow-links", f.followLinks},
		{"--on-selection", f.onSelection != ""},
	} {
		if is.given {
			return usageError{fmt.Errorf("%s: --processes does not support it, because it only tries a deployment; "+
				"remove %s", is.flag, is.flag)}
		}
	}
	return nil
}

// prepare makes the followers before anything is scored, so that an invalid setting is reported early. The readers of
// the followers are set once the system runs.
func (s *service) prepare(budget selection.Budget, memory *memory.Budget) error {
	feed, err := events.NewFeed(&s.printer, local.Origin(s.input, s.work), time.Now)
	if err != nil {
		return err
	}
	s.exports = &exporter{input: s.input, work: s.work, memory: memory, events: feed, log: s.log}
	if s.out != "" {
		folder, err := newSubsetFolder(s.out, s.Input, s.Work, budget, s.exports, s.log)
		if err != nil {
			return err
		}
		s.follow(folder.update)
	}
	if s.onSelection != "" {
		jobs, err := newTrainings(s.onSelection, s.Input, s.work, s.exports, s.log)
		if err != nil {
			return err
		}
		s.follow(jobs.update)
	}
	return nil
}

// event prints an event. After a completed selection it wakes the followers.
func (s *service) event(m events.Message) {
	s.printer.print(m)
	if m.Attributes[events.AttrType] != events.SelectionCompleted {
		return
	}
	for _, f := range s.followers {
		select {
		case f.wake <- struct{}{}:
		default: // the follower already has a wake-up
		}
	}
}

// run runs the system until ctx ends.
func (s *service) run(ctx context.Context, o local.Options) error {
	st, err := local.Start(ctx, o)
	if err != nil {
		return err
	}
	s.log.Info("harvest serves", "api", st.URL+api.RunsPath, "input", s.Input)
	s.warnOfNoDatasets()
	if err := s.restoreIndex(ctx, st.Runs); err != nil {
		return errors.Join(err, st.Close())
	}
	s.exports.runs, s.exports.subsets = st.Runs, st.Subsets
	taught, err := newLessons(s.serveFlags, o, st)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	group, working := errgroup.WithContext(st.Context())
	group.Go(func() error { return taught.run(working) })
	group.Go(func() error {
		upload := withoutRemoved(s.input, st.Runs, run.NewIndex(s.work), taught.arrived)
		return watch(working, s.input, s.log, withoutLinks(s.input, s.log, upload))
	})
	for _, f := range s.followers {
		group.Go(func() error { return f.run(working, s.log) })
	}
	err = group.Wait()
	if closed := st.Close(); err == nil || errors.Is(err, context.Canceled) && closed != nil {
		err = closed
	}
	return err
}

// restoreIndex restores entries of runs that someone deleted from the index of a state folder.
func (s *service) restoreIndex(ctx context.Context, runs *run.Reader) error {
	if _, onDisk := s.work.(bucket.OnDisk); !onDisk {
		return nil
	}
	restored, err := run.NewIndex(s.work).Restore(ctx, runs)
	if len(restored) > 0 {
		s.log.Warn("runs were missing in the index, and were added again", "runs", restored)
	}
	return err
}

// warnOfNoDatasets warns if the folder of datasets is missing or empty.
func (s *service) warnOfNoDatasets() {
	if _, onDisk := s.input.(bucket.OnDisk); !onDisk {
		return
	}
	datasets := filepath.Join(s.Input, run.DatasetsPrefix)
	entries, err := os.ReadDir(datasets)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // the watch reports it
	}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !ignored(e.Name()) }) {
		s.log.Warn("the input folder has no datasets yet: copy each dataset into a folder of its own in "+datasets,
			"folder", datasets)
	}
}

// run calls update at the start, after every completed selection, and every reconcileEvery, until ctx ends. Only an
// error of this machine stops it earlier.
func (f follower) run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		err := f.update(ctx)
		if _, machine := errors.AsType[*bucket.MachineError](err); machine {
			return err
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("delivering or announcing a selection failed; serve tries again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		case <-tick.C:
		}
	}
}
