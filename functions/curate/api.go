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
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// maxBody bounds the body of an API request.
const maxBody = 1 << 20

// retryAfter is when a caller may try again whose request needs a scorer that is away, or a run that is being planned,
// or who finds other selections waiting; 0 for any other error.
func retryAfter(status int, err error) time.Duration {
	switch {
	case status == http.StatusServiceUnavailable, errors.Is(err, run.ErrPlanning):
		return 30 * time.Second
	case status == http.StatusTooManyRequests:
		return 5 * time.Second
	}
	return 0
}

type server struct {
	runs    *run.Reader
	planner *run.Planner
	worker  *run.Worker
	subsets *subset.Selector

	reconciler *subset.Reconciler
	log        *slog.Logger
}

// A call answers requests of one method to one path.
type call func(*http.Request) (answer, error)

// An answer is what a call answers with. location is the path where what was accepted can be followed.
type answer struct {
	status   int
	location string
	body     any
}

func (s server) register(mux *http.ServeMux) {
	for path, calls := range map[string]map[string]call{
		api.RunsPath:                                    {http.MethodGet: s.listRuns, http.MethodPost: s.startRun},
		"/v1/runs/{run}":                                {http.MethodGet: s.getRun, http.MethodPost: s.callRun},
		"/v1/runs/{run}/samples":                        {http.MethodGet: s.showSamples},
		"/v1/runs/{run}/sweep":                          {http.MethodPost: s.sweep},
		"/v1/runs/{run}/compare":                        {http.MethodPost: s.compare},
		"/v1/runs/{run}/selections":                     {http.MethodPost: s.makeSelection},
		"/v1/runs/{run}/selections/{selection}":         {http.MethodGet: s.getSelection},
		"/v1/runs/{run}/selections/{selection}/explain": {http.MethodGet: s.explain},
	} {
		var allowed []string
		for method, c := range calls {
			mux.HandleFunc(method+" "+path, s.answer(c))
			if allowed = append(allowed, method); method == http.MethodGet {
				allowed = append(allowed, http.MethodHead) // the mux takes it for a GET
			}
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			api.NewProblem(http.StatusMethodNotAllowed,
				fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allow, r.Method)).Write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		api.NewProblem(http.StatusNotFound,
			fmt.Sprintf("there is no %s; the API lies below %s", r.URL.Path, api.RunsPath)).Write(w)
	})
}

// answer writes what a call answers as JSON, and its errors as problems.
func (s server) answer(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, ended := trace(r)
		ans, err := c(r.WithContext(ctx))
		ended(err)
		if err != nil {
			status := statusOf(err)
			if status == http.StatusInternalServerError {
				s.log.ErrorContext(ctx, "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			if after := retryAfter(status, err); after > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
			}
			api.NewProblem(status, detailOf(err)).Write(w)
			return
		}
		if ans.location != "" {
			w.Header().Set("Location", ans.location)
		}
		api.WriteJSON(w, "application/json", ans.status, ans.body)
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

func (s server) listRuns(r *http.Request) (answer, error) {
	ids, err := s.runs.Runs(r.Context())
	if err != nil {
		return answer{}, err
	}
	outlines, err := s.runs.Outlines(r.Context(), ids)
	if err != nil {
		return answer{}, err
	}
	list := api.RunList{Runs: []api.RunEntry{}}
	for _, st := range outlines {
		entry := api.RunEntry{Run: st.Run, Dataset: st.Dataset, Samples: st.Samples.In, State: st.State}
		if st.State == run.StateRefused || st.State == run.StateDamaged {
			entry.Problem = st.Problem
		}
		list.Runs = append(list.Runs, entry)
	}
	return answer{status: http.StatusOK, body: list}, nil
}

func (s server) startRun(r *http.Request) (answer, error) {
	begin := time.Now()
	var spec run.Spec
	if err := decode(r, &spec); err != nil {
		return answer{}, err
	}
	id, err := s.subsets.AcceptRun(r.Context(), s.planner, s.worker, spec, run.Upload{})
	if err != nil {
		return answer{}, err
	}
	telemetry.Run(r.Context(), id, begin)
	return s.accepted(r, id)
}

// accepted answers a call that changes what becomes of a run.
func (s server) accepted(r *http.Request, id string) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), id)
	return answer{status: http.StatusAccepted, location: api.RunPath(id), body: status}, err
}

func (s server) getRun(r *http.Request) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), r.PathValue("run"))
	return answer{status: http.StatusOK, body: status}, err
}

// callRun serves POST /v1/runs/{run}:<verb>.
func (s server) callRun(r *http.Request) (answer, error) {
	id, verb, _ := strings.Cut(r.PathValue("run"), ":")
	var resume api.Resume
	var retry api.Retry
	var body any = &struct{}{}
	switch verb {
	case "resume":
		body = &resume
	case "retry":
		body = &retry
	}
	if err := decode(r, body); err != nil {
		return answer{}, err
	}
	var err error
	switch verb {
	case "resume":
		err = s.reconciler.Resume(r.Context(), id, resume.GiveUp)
	case "retry":
		id, err = s.retry(r.Context(), id, retry)
	case "cancel":
		err = s.worker.Cancel(r.Context(), id)
	case "approve":
		err = s.worker.Approve(r.Context(), id)
	default:
		err = api.NewProblem(http.StatusNotFound, fmt.Sprintf(
			"%q is no call of a run; the calls are %s:resume, :retry, :cancel and :approve", r.PathValue("run"), id))
	}
	if err != nil {
		return answer{}, err
	}
	return s.accepted(r, id)
}

// retry starts the next attempt of a run, with all selections that were requested of it, and returns its id. Each step
// can be repeated: a call that was not answered is made again.
func (s server) retry(ctx context.Context, id string, options api.Retry) (string, error) {
	status, err := s.subsets.RunStatus(ctx, id)
	if err != nil {
		return "", err
	} else if status.NothingToRetry() && !options.ImagesChanged {
		return "", api.NewProblem(http.StatusConflict,
			fmt.Sprintf("run %s has no failed samples: there is nothing to retry", id))
	}
	if last, err := s.runs.LastScored(ctx, id); err != nil {
		return "", err
	} else if last.Run != id {
		return "", api.NewProblem(http.StatusConflict, fmt.Sprintf(
			"run %s was retried before: the latest attempt is %s; retry that one", id, last.Run))
	}
	next, err := s.subsets.StartAttempt(ctx, s.planner, s.worker, id)
	if err != nil {
		return "", err
	}
	return next.Run, nil
}

func (s server) makeSelection(r *http.Request) (answer, error) {
	var asked api.SelectionRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if err := run.CheckBudgets(max(len(asked.Budgets), len(asked.Within)+1)); err != nil {
		return answer{}, api.NewProblem(http.StatusUnprocessableEntity, fmt.Sprintf("budgets: %v", err))
	}
	if len(asked.Budgets) == 0 {
		return s.selectOne(r, asked, asked.Request)
	}
	if !asked.Budget.IsZero() {
		return answer{}, api.NewProblem(http.StatusBadRequest,
			"reading the request's body: give budget or budgets, not both")
	}
	all := answer{status: http.StatusOK}
	made := api.SelectionList{Selections: make([]api.SelectionStatus, len(asked.Budgets))}
	// The largest first: a fault of any of them is one of it too, and is reported before anything is made.
	for i, spec := range slices.Backward(asked.Nested(asked.Budgets)) {
		one, err := s.selectOne(r, asked, spec)
		if err != nil {
			return answer{}, err
		}
		all.status = max(all.status, one.status) // accepted, if one is still being written
		made.Selections[i] = one.body.(api.SelectionStatus)
	}
	all.body = made
	return all, nil
}

func (s server) selectOne(r *http.Request, asked api.SelectionRequest, spec selection.Request) (answer, error) {
	if asked.Notify {
		if err := s.subsets.Notify(r.Context(), r.PathValue("run"), spec); err != nil {
			return answer{}, err
		}
	}
	sel, err := s.subsets.Ask(r.Context(), r.PathValue("run"), spec, asked.MaxFailed)
	if err != nil {
		return answer{}, err
	}
	return s.selectionStatus(r, sel)
}

func (s server) explain(r *http.Request) (answer, error) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 {
		return answer{}, api.NewProblem(http.StatusBadRequest, "name the samples to explain: ?id=…&id=…")
	}
	samples, err := s.subsets.Explain(r.Context(), r.PathValue("run"), r.PathValue("selection"), ids)
	return answer{status: http.StatusOK, body: api.ExplanationList{Samples: samples}}, err
}

func (s server) getSelection(r *http.Request) (answer, error) {
	sel, err := s.subsets.Find(r.Context(), r.PathValue("run"), r.PathValue("selection"))
	if err != nil {
		return answer{}, err
	}
	return s.selectionStatus(r, sel)
}

func (s server) selectionStatus(r *http.Request, sel *subset.Selection) (answer, error) {
	state, err := s.subsets.State(r.Context(), sel)
	if err != nil {
		return answer{}, err
	}
	ans := answer{status: http.StatusOK, body: api.SelectionStatus{State: state, Selection: sel}}
	if state == api.Writing {
		ans.status, ans.location = http.StatusAccepted, api.SelectionPath(sel.Run, sel.ID)
	}
	return ans, nil
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
		return api.NewProblem(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the request's body is longer than %d bytes", large.Limit))
	}
	text := spelling.JSON(err, v).Error()
	if _, ofRun := v.(*run.Spec); ofRun && strings.HasPrefix(text, `unknown field "budgets"`) {
		text = `unknown field "budgets": a run is asked for with one budget; POST /v1/runs/{run}/selections takes budgets`
	}
	return api.NewProblem(http.StatusBadRequest, "reading the request's body: "+text)
}
