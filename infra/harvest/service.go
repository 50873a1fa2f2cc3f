package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
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
	completed chan struct{} // holds one value after a selection was completed
	steps     []func(context.Context) error
}

// parseBudget is the budget of datasets that name none; zero without the flag.
func (f serveFlags) parseBudget() (selection.Budget, error) {
	if f.budget == "" {
		return selection.Budget{}, nil
	}
	budget, err := selection.ParseBudget(f.budget)
	if err != nil {
		return selection.Budget{}, usageError{fmt.Errorf("--budget: %w", err)}
	}
	return budget, nil
}

// checkProcesses refuses flags that serve --processes does not have.
func (f serveFlags) checkProcesses() error {
	for flag, given := range map[string]bool{
		"--budget": f.budget != "", "--out": f.out != "", "--follow-links": f.followLinks,
	} {
		if given {
			return usageError{errors.New(flag + " is not for --processes, which is there to try a deployment")}
		}
	}
	return nil
}

// prepare makes what follows completed selections, so that its faults are found before anything is scored.
func (s *service) prepare(budget selection.Budget) error {
	_, subsets, err := openRuns(s.work)
	if err != nil {
		return err
	}
	if s.out != "" {
		folder, err := newSubsetFolder(s.out, s.Input, s.Work, budget, s.input, subsets, s.log)
		if err != nil {
			return err
		}
		s.steps = append(s.steps, folder.update)
	}
	return nil
}

// event prints an event, and has what follows completed selections done.
func (s *service) event(m events.Message) {
	s.printer.print(m)
	if m.Attributes[events.AttrType] == events.SelectionCompleted {
		select {
		case s.completed <- struct{}{}:
		default: // it is to be done already
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
	group, working := errgroup.WithContext(st.Context())
	group.Go(func() error {
		return watch(working, s.input, s.log, withoutLinks(s.input, s.log, st.Upload))
	})
	if len(s.steps) > 0 {
		group.Go(func() error { return afterSelections(working, s.completed, s.log, s.steps...) })
	}
	err = group.Wait()
	if closed := st.Close(); err == nil || errors.Is(err, context.Canceled) && closed != nil {
		err = closed
	}
	return err
}
