package curate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
)

// maxBody bounds the body of an API request.
const maxBody = 1 << 20

type api struct {
	cfg   Config
	store *run.Store
	log   *slog.Logger
}

func (a api) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/runs", a.answer(a.listRuns))
	mux.HandleFunc("POST /v1/runs", a.answer(a.startRun))
	mux.HandleFunc("GET /v1/runs/{run}", a.answer(a.getRun))
	mux.HandleFunc("POST /v1/runs/{call}", a.answer(a.callRun))
	mux.HandleFunc("POST /v1/runs/{run}/selections", a.answer(a.makeSelection))
	mux.HandleFunc("GET /v1/runs/{run}/selections/{selection}", a.answer(a.getSelection))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s; the API lies below /v1/runs", r.Method, r.URL.Path))
	})
}

// Runs is the answer of GET /v1/runs.
type Runs struct {
	Runs []RunEntry `json:"runs"`
}

// A RunEntry names one run in a list.
type RunEntry struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	Samples int64  `json:"samples"`
	Problem string `json:"problem,omitempty"`
}

// SelectionStatus is the answer to calls about a selection.
type SelectionStatus struct {
	// State is "writing" until all outputs are there, then "completed".
	State string `json:"state"`
	*run.Selection
}

// The states of a selection.
const (
	Writing   = "writing"
	Completed = "completed"
)

// Resume is the body of POST /v1/runs/{run}:resume. It may be left out.
type Resume struct {
	// GiveUp records the samples of shards that were given up as failed, so that the run completes.
	GiveUp bool `json:"give_up"`
}

type requestError struct{ error }

// answer writes what handle returns as JSON, and its errors as problems.
func (a api) answer(handle func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, body, err := handle(r)
		if err != nil {
			status = statusOf(err)
			var bad requestError
			if errors.As(err, &bad) {
				status = http.StatusBadRequest
			}
			if status == http.StatusInternalServerError {
				a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			writeProblem(w, status, err.Error())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		_ = enc.Encode(body) // the client is gone if this fails
	}
}

func (a api) listRuns(r *http.Request) (int, any, error) {
	ids, err := a.store.Runs(r.Context())
	if err != nil {
		return 0, nil, err
	}
	list := Runs{Runs: []RunEntry{}}
	for _, id := range ids {
		plan, err := a.store.Plan(r.Context(), id)
		if errors.Is(err, run.ErrNoRun) {
			continue // a folder without a plan is no run
		} else if err != nil {
			return 0, nil, err
		}
		list.Runs = append(list.Runs, RunEntry{Run: id, Dataset: plan.Dataset, Samples: plan.Samples, Problem: plan.Problem})
	}
	return http.StatusOK, list, nil
}

func (a api) startRun(r *http.Request) (int, any, error) {
	var spec run.Spec
	if err := decode(r, &spec); err != nil {
		return 0, nil, err
	}
	plan, err := a.store.Start(r.Context(), spec, a.cfg.Limits)
	if err != nil {
		return 0, nil, err
	}
	status, err := a.store.Status(r.Context(), plan.Run)
	return http.StatusAccepted, status, err
}

func (a api) getRun(r *http.Request) (int, any, error) {
	status, err := a.store.Status(r.Context(), r.PathValue("run"))
	return http.StatusOK, status, err
}

// callRun serves POST /v1/runs/{run}:<verb>.
func (a api) callRun(r *http.Request) (int, any, error) {
	id, verb, _ := strings.Cut(r.PathValue("call"), ":")
	var err error
	switch verb {
	case "resume":
		var body Resume
		if err = decode(r, &body); err == nil {
			err = a.store.Resume(r.Context(), id, body.GiveUp)
		}
	case "retry":
		var next *run.Plan
		if next, err = a.store.Retry(r.Context(), id); err == nil {
			id = next.Run
		}
	case "cancel":
		err = a.store.Cancel(r.Context(), id)
	case "approve":
		err = a.store.Approve(r.Context(), id)
	default:
		err = requestError{fmt.Errorf("%q is no call of a run; the calls are %s:resume, :retry, :cancel and :approve", r.PathValue("call"), id)}
	}
	if err != nil {
		return 0, nil, err
	}
	status, err := a.store.Status(r.Context(), id)
	return http.StatusAccepted, status, err
}

func (a api) makeSelection(r *http.Request) (int, any, error) {
	var spec run.SelectionSpec
	if err := decode(r, &spec); err != nil {
		return 0, nil, err
	}
	sel, err := a.store.Select(r.Context(), r.PathValue("run"), spec)
	if err != nil {
		return 0, nil, err
	}
	return a.selectionStatus(r, sel)
}

func (a api) getSelection(r *http.Request) (int, any, error) {
	sel, err := a.store.Selection(r.Context(), r.PathValue("run"), r.PathValue("selection"))
	if err != nil {
		return 0, nil, err
	}
	return a.selectionStatus(r, sel)
}

func (a api) selectionStatus(r *http.Request, sel *run.Selection) (int, any, error) {
	completed, err := a.store.Completed(r.Context(), sel.Run, sel.ID)
	if err != nil {
		return 0, nil, err
	}
	if completed {
		return http.StatusOK, SelectionStatus{State: Completed, Selection: sel}, nil
	}
	return http.StatusAccepted, SelectionStatus{State: Writing, Selection: sel}, nil
}

// decode reads a JSON body into v. Unknown fields are refused; an empty body leaves v as it is.
func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return requestError{fmt.Errorf("reading the request's body: %w", err)}
	}
	if dec.More() {
		return requestError{errors.New("reading the request's body: there is more after its JSON value")}
	}
	return nil
}
