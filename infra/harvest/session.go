package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"
)

// stateFlag adds --state: the folder that is the work bucket.
func stateFlag(cmd *cobra.Command, state *string) {
	cmd.Flags().StringVar(state, "state", "", "folder that keeps what was done (default: harvest in the user's cache directory)")
}

// openState opens the work bucket in the state folder.
func openState(state string) (string, bucket.Bucket, error) {
	if state == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", nil, usageError{fmt.Errorf("finding a folder to keep state in: %w; give one with --state", err)}
		}
		state = filepath.Join(cache, "harvest")
	}
	work, err := bucket.OpenFolder(state)
	if err != nil {
		return "", nil, fmt.Errorf("opening state folder: %w", err)
	}
	return state, work, nil
}

// limits are the service's limits, from the environment as in the cloud.
func limits(ctx context.Context) (run.Limits, error) {
	l, err := config.Read[run.Limits](ctx, envconfig.OsLookuper())
	if err != nil {
		return run.Limits{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return l, nil
}

// noInput is the input bucket of commands that need none.
func noInput() (bucket.Reader, error) { return bucket.NewView(nil) }

// store reads runs without a running stack.
func store(input bucket.Reader, work bucket.Bucket) *run.Store {
	return &run.Store{Input: input, Work: work, Now: time.Now}
}

// planner is a store that can plan, too.
func planner(input bucket.Reader, work bucket.Bucket, scorers kinds.Config, log *slog.Logger) (*run.Store, error) {
	opener, err := openerFor(scorers, work, log)
	if err != nil {
		return nil, err
	}
	s := store(input, work)
	s.OpenScorer = opener.Open
	return s, nil
}

// openerFor opens scorers where at says they are, else where the environment says.
func openerFor(at kinds.Config, work bucket.Bucket, log *slog.Logger) (*kinds.Opener, error) {
	scorers, err := scorersByEnvironment()
	if err != nil {
		return nil, err
	}
	opener, err := kinds.New(scorers.At(at), work, func(err error) { log.Warn("waiting for the scorer", "error", err) })
	if err != nil {
		return nil, usageError{err}
	}
	return opener, nil
}

func scorersByEnvironment() (kinds.Config, error) {
	c, err := config.Read[kinds.Config](context.Background(), envconfig.OsLookuper())
	if err != nil {
		return kinds.Config{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return c, nil
}

// personLog is the log of a command that a person watches.
func personLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: withoutTime}))
}

// A session is a running stack and a client of its API.
type session struct {
	*local.Stack
	apiClient
	show *display
}

// An apiClient calls the HTTP API at a base URL.
type apiClient struct {
	base   string
	client *http.Client
}

// withSession runs work against a stack on the given buckets, and stops it afterwards. It can be called once in a
// process, because mountFramework can.
func withSession(ctx context.Context, input bucket.Reader, work bucket.Bucket, scorers kinds.Config, show *display, do func(context.Context, session) error) error {
	return withSessionOn(ctx, mountFramework, input, work, scorers, show, do)
}

// withSessionOn does the same on functions that are mounted in another way.
func withSessionOn(ctx context.Context, mount func(map[string]http.Handler) (http.Handler, error), input bucket.Reader, work bucket.Bucket, scorers kinds.Config, show *display, do func(context.Context, session) error) error {
	l, err := limits(ctx)
	if err != nil {
		return err
	}
	log := personLog(show)
	opener, err := openerFor(scorers, work, log)
	if err != nil {
		return err
	}
	st, err := local.Start(ctx, local.Options{
		Input: input, Work: work, Limits: l, OpenScorer: opener.Open, Log: log, Mount: mount,
	})
	if err != nil {
		return err
	}
	err = do(st.Context(), session{Stack: st, apiClient: apiClient{st.URL, http.DefaultClient}, show: show})
	return errors.Join(err, st.Close())
}

// withoutTime keeps lines short: a person is watching.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// callAttempts bounds how often a call is made whose answer did not come through whole.
const callAttempts = 5

// call makes a request of the API and decodes its answer into v. Every call can be repeated, so one
// whose answer broke off is.
func (a apiClient) call(ctx context.Context, method, path string, body, v any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		err := a.callOnce(ctx, method, path, data, v)
		var answered apiError
		if err == nil || errors.As(err, &answered) || ctx.Err() != nil || attempt == callAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

func (a apiClient) callOnce(ctx context.Context, method, path string, body []byte, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		var problem curate.Problem
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
			return fmt.Errorf("%s %s answered %s", method, path, resp.Status)
		}
		return apiError{status: resp.StatusCode, detail: problem.Detail}
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// An apiError is a problem that the API answered.
type apiError struct {
	status int
	detail string
}

func (e apiError) Error() string { return e.detail }

// pollEvery is the pause between two looks at how far the work is.
const pollEvery = 200 * time.Millisecond

// poll calls look until it is done.
func poll(ctx context.Context, look func() (done bool, err error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// begin sets a dataset's run going, also one that is stalled: whoever gives the command again has mended what stalled it.
func (s session) begin(ctx context.Context, object, runID string) error {
	var status run.Status
	err := s.call(ctx, http.MethodGet, "/v1/runs/"+runID, nil, &status)
	if err == nil && status.State == run.StateStalled {
		err = s.call(ctx, http.MethodPost, "/v1/runs/"+runID+":resume", curate.Resume{}, &status)
	}
	if failed, ok := errors.AsType[apiError](err); err != nil && (!ok || failed.status != http.StatusNotFound) {
		return err
	}
	return s.Upload(ctx, object)
}

// planTimeout is longer than ingest may take for a plan.
const planTimeout = 10 * time.Minute

// score shows a run's progress until it is scored.
func (s session) score(ctx context.Context, runID string, seconds map[string]float64) (*run.Status, error) {
	start := time.Now()
	var status run.Status
	var rated time.Time
	s.show.update("ingest", 0, 0)
	err := poll(ctx, func() (bool, error) {
		status = run.Status{}
		err := s.call(ctx, http.MethodGet, "/v1/runs/"+runID, nil, &status)
		var failed apiError
		if errors.As(err, &failed) && failed.status == http.StatusNotFound {
			if time.Since(start) > planTimeout {
				return false, fmt.Errorf("run %s has not begun: was a manifest changed in the meantime? The same command starts anew", runID)
			}
			return false, nil // ingest has not written its plan yet
		} else if err != nil {
			return false, err
		}
		p := status.Progress
		s.show.update("ingest", p.SamplesRead, status.Samples.In)
		if p.RangesCut == p.Ranges && seconds["ingest"] == 0 {
			seconds["ingest"] = time.Since(start).Seconds()
		}
		if p.SamplesRead > 0 {
			s.show.update("score", p.SamplesDone, status.Samples.In)
		}
		if p.SamplesDone == status.Samples.In && rated.IsZero() {
			rated = time.Now()
		}
		return endState(&status)
	})
	seconds["score"] = rated.Sub(start).Seconds() - seconds["ingest"]
	// An automatic selection is made before the run shows as scored to who looks now and then.
	seconds["select"] = time.Since(rated).Seconds()
	return &status, err
}

// endState tells whether a run has come to its end, well or not.
func endState(st *run.Status) (bool, error) {
	switch st.State {
	case run.StateScored:
		return true, nil
	case run.StateRefused:
		return false, errors.New(st.Problem)
	case run.StateCancelled:
		return false, fmt.Errorf("run %s was cancelled", st.Run)
	case run.StateStalled:
		return false, fmt.Errorf("run %s is stalled: %d shards were given up: %s; mend the cause, then give the same command again or `harvest resume %s`, or `harvest resume %s --give-up` to go on without them",
			st.Run, len(st.Dead), st.Dead[0].Reason, st.Run, st.Run)
	default:
		return false, nil
	}
}

// choose makes a selection and waits until its outputs are written.
func (s session) choose(ctx context.Context, runID string, spec selection.Request, seconds map[string]float64) (*run.Selection, error) {
	start := time.Now()
	var sel curate.SelectionStatus
	s.show.update("select", 0, 0)
	err := s.call(ctx, http.MethodPost, "/v1/runs/"+runID+"/selections", spec, &sel)
	if failed, ok := errors.AsType[apiError](err); ok && failed.status == http.StatusUnprocessableEntity {
		return nil, usageError{err}
	} else if err != nil {
		return nil, err
	}
	seconds["select"] += time.Since(start).Seconds()
	s.show.update("select", int64(sel.Selected), int64(sel.Selected))
	start = time.Now()
	path := "/v1/runs/" + runID + "/selections/" + sel.ID
	err = poll(ctx, func() (bool, error) {
		if sel.State == curate.Completed {
			return true, nil
		}
		return false, s.call(ctx, http.MethodGet, path, nil, &sel)
	})
	seconds["write"] = time.Since(start).Seconds()
	return sel.Selection, err
}
