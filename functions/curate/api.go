package curate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/telemetry"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// maxBody bounds the body of an API request.
const maxBody = 1 << 20

type api struct {
	cfg   Config
	store *run.Store
	log   *slog.Logger
}

// A call answers requests of one method to one path.
type call func(*http.Request) (answer, error)

// An answer is what a call answers with. location is the path where what was accepted can be followed.
type answer struct {
	status   int
	location string
	body     any
}

func (a api) register(mux *http.ServeMux) {
	for path, calls := range map[string]map[string]call{
		"/v1/runs":                                      {http.MethodGet: a.listRuns, http.MethodPost: a.startRun},
		"/v1/runs/{run}":                                {http.MethodGet: a.getRun, http.MethodPost: a.callRun},
		"/v1/runs/{run}/selections":                     {http.MethodPost: a.makeSelection},
		"/v1/runs/{run}/selections/{selection}":         {http.MethodGet: a.getSelection},
		"/v1/runs/{run}/selections/{selection}/explain": {http.MethodGet: a.explain},
	} {
		var allowed []string
		for method, c := range calls {
			mux.HandleFunc(method+" "+path, a.answer(c))
			if allowed = append(allowed, method); method == http.MethodGet {
				allowed = append(allowed, http.MethodHead) // the mux takes it for a GET
			}
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			writeProblem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allow, r.Method))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("there is no %s; the API lies below /v1/runs", r.URL.Path))
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

// answer writes what a call answers as JSON, and its errors as problems.
func (a api) answer(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, ended := trace(r)
		ans, err := c(r.WithContext(ctx))
		ended(err)
		if err != nil {
			status := statusOf(err)
			if status == http.StatusInternalServerError {
				a.log.ErrorContext(ctx, "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			writeProblem(w, status, err.Error())
			return
		}
		if ans.location != "" {
			w.Header().Set("Location", ans.location)
		}
		writeJSON(w, "application/json", ans.status, ans.body)
	}
}

// trace begins the span of a call that changes a run. Those that only look would hide it in its trace.
func trace(r *http.Request) (context.Context, func(error)) {
	id, verb, _ := strings.Cut(r.PathValue("run"), ":")
	if id == "" || r.Method != http.MethodPost {
		return r.Context(), func(error) {}
	}
	return telemetry.Start(r.Context(), id, "api "+cmp.Or(verb, "select"), "", oteltrace.SpanKindServer)
}

func (a api) listRuns(r *http.Request) (answer, error) {
	ids, err := a.store.Runs(r.Context())
	if err != nil {
		return answer{}, err
	}
	list := Runs{Runs: []RunEntry{}}
	for _, id := range ids {
		plan, err := a.store.Plan(r.Context(), id)
		if errors.Is(err, run.ErrNoRun) {
			continue // a folder without a plan is no run
		} else if err != nil {
			return answer{}, err
		}
		list.Runs = append(list.Runs, RunEntry{Run: id, Dataset: plan.Dataset, Samples: plan.Samples, Problem: plan.Problem})
	}
	return answer{status: http.StatusOK, body: list}, nil
}

func (a api) startRun(r *http.Request) (answer, error) {
	begin := time.Now()
	var spec run.Spec
	if err := decode(r, &spec); err != nil {
		return answer{}, err
	}
	plan, err := a.store.Start(r.Context(), spec, a.cfg.Limits)
	if err != nil {
		return answer{}, err
	}
	telemetry.Run(r.Context(), plan.Run, begin)
	return a.accepted(r, plan.Run)
}

// accepted answers a call that changes what becomes of a run.
func (a api) accepted(r *http.Request, id string) (answer, error) {
	status, err := a.store.Status(r.Context(), id)
	return answer{status: http.StatusAccepted, location: "/v1/runs/" + id, body: status}, err
}

func (a api) getRun(r *http.Request) (answer, error) {
	status, err := a.store.Status(r.Context(), r.PathValue("run"))
	return answer{status: http.StatusOK, body: status}, err
}

// callRun serves POST /v1/runs/{run}:<verb>.
func (a api) callRun(r *http.Request) (answer, error) {
	id, verb, _ := strings.Cut(r.PathValue("run"), ":")
	var options Resume
	var body any = &struct{}{}
	if verb == "resume" {
		body = &options
	}
	if err := decode(r, body); err != nil {
		return answer{}, err
	}
	var err error
	switch verb {
	case "resume":
		err = a.store.Resume(r.Context(), id, options.GiveUp)
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
		err = requestError{http.StatusNotFound, fmt.Errorf("%q is no call of a run; the calls are %s:resume, :retry, :cancel and :approve", r.PathValue("run"), id)}
	}
	if err != nil {
		return answer{}, err
	}
	return a.accepted(r, id)
}

// selectionRequest is the body of POST /v1/runs/{run}/selections.
type selectionRequest struct {
	selection.Request
	// Budgets, instead of one budget, make nested selections, the smallest first: each contains the one before it.
	Budgets []selection.Budget `json:"budgets"`
}

// Selections is the answer to a request of several budgets.
type Selections struct {
	Selections []SelectionStatus `json:"selections"`
}

func (a api) makeSelection(r *http.Request) (answer, error) {
	var asked selectionRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if len(asked.Budgets) == 0 {
		return a.selectOne(r, asked.Request)
	}
	if !asked.Budget.IsZero() {
		return answer{}, requestError{http.StatusBadRequest, errors.New("reading the request's body: give budget or budgets, not both")}
	}
	all := answer{status: http.StatusOK}
	made := Selections{Selections: make([]SelectionStatus, len(asked.Budgets))}
	// The largest first: a fault of any of them is one of it too, and is told before anything is made.
	for i, spec := range slices.Backward(asked.Nested(asked.Budgets)) {
		one, err := a.selectOne(r, spec)
		if err != nil {
			return answer{}, err
		}
		all.status = max(all.status, one.status) // accepted, if one is still being written
		made.Selections[i] = one.body.(SelectionStatus)
	}
	all.body = made
	return all, nil
}

func (a api) selectOne(r *http.Request, spec selection.Request) (answer, error) {
	sel, err := a.store.Select(r.Context(), r.PathValue("run"), spec)
	if err != nil {
		return answer{}, err
	}
	return a.selectionStatus(r, sel)
}

// Explanations is the answer of GET /v1/runs/{run}/selections/{selection}/explain?id=…&id=….
type Explanations struct {
	Samples []run.Explanation `json:"samples"`
}

func (a api) explain(r *http.Request) (answer, error) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 {
		return answer{}, requestError{http.StatusBadRequest, errors.New("name the samples to explain: ?id=…&id=…")}
	}
	samples, err := a.store.Explain(r.Context(), r.PathValue("run"), r.PathValue("selection"), ids)
	return answer{status: http.StatusOK, body: Explanations{Samples: samples}}, err
}

func (a api) getSelection(r *http.Request) (answer, error) {
	sel, err := a.store.Selection(r.Context(), r.PathValue("run"), r.PathValue("selection"))
	if err != nil {
		return answer{}, err
	}
	return a.selectionStatus(r, sel)
}

func (a api) selectionStatus(r *http.Request, sel *run.Selection) (answer, error) {
	completed, err := a.store.Completed(r.Context(), sel.Run, sel.ID)
	if err != nil {
		return answer{}, err
	}
	if completed {
		return answer{status: http.StatusOK, body: SelectionStatus{State: Completed, Selection: sel}}, nil
	}
	return answer{
		status: http.StatusAccepted, location: fmt.Sprintf("/v1/runs/%s/selections/%s", sel.Run, sel.ID),
		body: SelectionStatus{State: Writing, Selection: sel},
	}, nil
}

// decode reads a JSON body into v. Unknown fields are refused; an empty body leaves v as it is.
func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		var more json.RawMessage
		if err = dec.Decode(&more); err == nil {
			err = errors.New("there is more after its JSON value")
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return requestError{http.StatusRequestEntityTooLarge, fmt.Errorf("the request's body is longer than %d bytes", large.Limit)}
	}
	return requestError{http.StatusBadRequest, fmt.Errorf("reading the request's body: %w", err)}
}
