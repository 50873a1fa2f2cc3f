package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A session is a running stack and a client of its API.
type session struct {
	*local.Stack
	api    *api.Client
	work   bucket.Bucket
	show   *display
	memory *memory.Budget
	// rated is the number of samples that a scorer in this process has rated.
	rated *atomic.Int64
	// arrived has what ingest did with the dataset; nil before it has handled the upload.
	arrived *atomic.Pointer[subset.Arrival]
}

// A deployment has the buckets and scorers that the functions use.
type deployment struct {
	input   bucket.Reader
	work    bucket.Bucket
	scorers kinds.Config // missing values come from the environment
	state   string       // --state as the user typed it, for commands in reports
	order   order        // the requested selections, if they are known; reports name their evaluation sets
	// pictures opens the images of reports; nil for the images of input.
	pictures report.Opener
	show     *display
}

// A mounting wraps the handlers of the functions. If it is nil, the handlers are served directly.
type mounting func(map[string]http.Handler) (http.Handler, error)

// session starts the functions, calls do, and stops the functions. Commands mount the functions by mountFramework,
// which can be called once in a process; if mount is nil, the functions are served directly.
func (d deployment) session(
	ctx context.Context, mount mounting,
	do func(context.Context, session) error,
) error {
	l, err := limits(ctx)
	if err != nil {
		return err
	}
	selections, err := selectionLimits(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	log := userLog(working, d.show)
	budget, err := imageMemory(l.Images, d.scorers)
	if err != nil {
		return err
	}
	opener, err := openerFor(d.scorers, budget, d.work, log)
	if err != nil {
		return err
	}
	rated, arrived := &atomic.Int64{}, &atomic.Pointer[subset.Arrival]{}
	st, err := local.Start(ctx, local.Options{
		Input: d.input, Work: d.work, Limits: l, OpenScorer: counted(opener.Open, rated), Memory: budget, Log: log,
		Mount: mount, OneRun: true, Selections: selections, Commands: reportCommands(d.state, d.order.nearPath),
		Pictures: d.pictures, OnArrival: func(_ string, a subset.Arrival) { arrived.Store(&a) },
	})
	if err != nil {
		return err
	}
	context.AfterFunc(st.Context(), stop)
	client, err := api.NewClient(st.URL, http.DefaultClient)
	if err == nil {
		err = do(st.Context(), session{
			Stack: st, api: client, work: d.work, show: d.show, memory: budget, rated: rated, arrived: arrived,
		})
	}
	stopped := st.Context().Err() != nil
	stop()
	closed := st.Close()
	if stopped && closed != nil {
		return closed // the reason why the system stopped; it also caused err
	}
	return errors.Join(err, closed)
}

// begin starts or continues a dataset's run. It resumes a stalled run, because a user who repeats the command has fixed
// the cause.
func (s session) begin(ctx context.Context, object, runID string) error {
	status, err := s.api.Run(ctx, runID)
	if err == nil && status.State == run.StateStalled {
		_, err = s.api.Resume(ctx, runID, api.Resume{})
	}
	if err != nil && !api.HasStatus(err, http.StatusNotFound) {
		return err
	}
	return s.Upload(ctx, object)
}

// planTimeout is the maximum time to wait for a plan. It is longer than the time that ingest may take for a plan.
const planTimeout = 10 * time.Minute

// score shows a run's progress until the run is scored. It adds the time of each stage to seconds.
func (s session) score(ctx context.Context, runID string, seconds map[string]float64) (*subset.RunStatus, error) {
	start := time.Now()
	var status *subset.RunStatus
	var rated time.Time
	var once sync.Once
	seen := false // whether an earlier call found the run
	s.show.update("ingest", 0, 0)
	err := s.poll(ctx, runID, func() (bool, error) {
		var err error
		status, err = s.api.Run(ctx, runID)
		if api.HasStatus(err, http.StatusNotFound) {
			if seen {
				return false, fmt.Errorf("run %s was removed while this command worked on it; "+
					"repeat the command to start it from the beginning", runID)
			}
			if time.Since(start) > planTimeout {
				return false, fmt.Errorf("run %s has not begun; repeat the command to start it from the beginning", runID)
			}
			return false, s.acceptedAs(runID) // nil: ingest has not accepted the run yet
		}
		seen = seen || err == nil
		if err != nil || status.State == run.StatePlanning {
			return false, err
		}
		p := status.Progress
		s.show.update("ingest", p.SamplesRead, status.Samples.In)
		if p.RangesCut == p.Ranges && seconds["ingest"] == 0 {
			seconds["ingest"] = time.Since(start).Seconds()
		}
		if p.SamplesRead > 0 {
			once.Do(func() {
				before := p.SamplesDone - s.rated.Load()
				s.show.count("score", func() int64 { return before + s.rated.Load() })
			})
			s.show.update("score", p.SamplesDone, status.Samples.In)
		}
		if p.SamplesDone == status.Samples.In && rated.IsZero() {
			rated = time.Now()
		}
		return endState(status)
	})
	if !rated.IsZero() {
		seconds["score"] = rated.Sub(start).Seconds() - seconds["ingest"]
		// When this loop finds that the run is scored, the automatic selection is already made.
		seconds["select"] = time.Since(rated).Seconds()
	}
	return status, err
}

// acceptedAs returns an error if ingest has accepted or refused another run for the dataset than the run that the
// command planned. Then the dataset was changed between the two.
func (s session) acceptedAs(runID string) error {
	a := s.arrived.Load()
	if a == nil || a.Run == runID {
		return nil
	}
	return errors.New("the manifest, the rubric or the scorer was changed while the command started; repeat the command")
}

// continueEvery is the pause between two requests to continue a run.
const continueEvery = 10 * time.Second

// poll calls look until look is done or fails. Every continueEvery it continues the run, because another command that
// worked on the same run may have ended.
func (s session) poll(ctx context.Context, runID string, look func() (done bool, err error)) error {
	continued := time.Now()
	return api.Poll(ctx, func() (bool, error) {
		if time.Since(continued) > continueEvery {
			if err := s.Continue(ctx, runID); err != nil {
				return false, err
			}
			continued = time.Now()
		}
		return look()
	})
}

// endState reports whether a run has ended. If the run ended without scores, it returns an error.
func endState(st *subset.RunStatus) (bool, error) {
	switch st.State {
	case run.StateScored, run.StateFailed:
		return true, nil // the limit of this command decides whether the run failed
	case run.StateRefused:
		return false, errors.New(byCommand(st.Problem))
	case run.StateCancelled:
		return false, fmt.Errorf("run %s was cancelled", st.Run)
	case run.StateStalled:
		return false, &stalledError{status: st}
	default:
		return false, nil
	}
}

// choose makes a selection, and waits until the outputs of the selection are written.
func (s session) choose(
	ctx context.Context, runID string, request api.SelectionRequest, seconds map[string]float64,
) (*subset.Selection, error) {
	start := time.Now()
	s.show.update("select", 0, 0)
	sel, err := s.api.StartSelection(ctx, runID, request)
	if api.HasStatus(err, http.StatusUnprocessableEntity) {
		return nil, usageError{byFlags(err)}
	} else if err != nil {
		return nil, err
	}
	seconds["select"] += time.Since(start).Seconds()
	s.show.update("select", int64(sel.Selected), int64(sel.Selected))
	start = time.Now()
	if sel.State == api.Writing {
		id := sel.ID
		err := s.poll(ctx, runID, func() (bool, error) {
			sel, err = s.api.Selection(ctx, runID, id)
			return err == nil && sel.State != api.Writing, err
		})
		if err != nil {
			return nil, err
		}
	}
	seconds["write"] = time.Since(start).Seconds()
	return sel.Selection, nil
}
