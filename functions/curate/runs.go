package curate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

func (s server) listRuns(r *http.Request) (answer, error) {
	p, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	listed, next, err := s.runs.List(r.Context(), p.cursor, p.size)
	if err != nil {
		return answer{}, err
	}
	list := api.RunList{Runs: []api.RunEntry{}, NextPageToken: tokenOf(next)}
	for _, l := range listed {
		list.Runs = append(list.Runs, api.RunEntry{
			Run: l.Run, Dataset: l.Dataset, State: l.State, Created: l.Accepted, Samples: l.Samples.In, SamplesDone: l.Done,
			SamplesInFlight: l.InFlight, Size: l.Size, Scorer: l.Scorer, Parameters: l.Parameters, Problem: l.Problem,
			Waiting: l.Waiting,
		})
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
	s.logCall(r, "start", id)
	return s.accepted(r, id)
}

// logCall logs a call that changes a run, with its caller.
func (s server) logCall(r *http.Request, call, id string) {
	s.log.InfoContext(r.Context(), "call", "call", call, "run", id, "by", run.CallerOf(r.Context()))
}

// accepted returns the answer to a call that changes the state of a run.
func (s server) accepted(r *http.Request, id string) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), id)
	return answer{status: http.StatusAccepted, location: api.RunPath(id), body: status}, err
}

func (s server) getRun(r *http.Request) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), r.PathValue("run"))
	return answer{status: http.StatusOK, body: status}, err
}

// A verb is an action on a run: POST /v1/runs/{run}:<name>. do returns the id of the run whose status is the answer.
type verb struct {
	name string
	do   func(s server, r *http.Request, id string) (string, error)
}

// verbs lists all verbs, in the order in which errors about an unknown verb list them.
var verbs = [...]verb{
	{"resume", server.resumeRun}, {"retry", server.retryRun}, {"cancel", server.cancelRun}, {"approve", server.approveRun},
	{"cluster", server.clusterRun},
}

// callRun serves POST /v1/runs/{run}:<verb>.
func (s server) callRun(r *http.Request) (answer, error) {
	id, name, _ := strings.Cut(r.PathValue("run"), ":")
	v, ok := findVerb(name)
	if !ok {
		return answer{}, api.NewProblem(http.StatusNotFound, fmt.Sprintf(
			"%q is not a call of a run; the calls of run %s are %s", r.PathValue("run"), id, strings.Join(verbNames(":"), ", ")))
	}
	about, err := s.runVerb(r, v, id)
	if err != nil {
		return answer{}, err
	}
	return s.accepted(r, about)
}

func findVerb(name string) (verb, bool) {
	i := slices.IndexFunc(verbs[:], func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return verbs[i], true
}

// verbNames returns the names of all verbs, each after a prefix.
func verbNames(prefix string) (names []string) {
	for _, v := range verbs {
		names = append(names, prefix+v.name)
	}
	return names
}

// runVerb runs a verb on a run and logs the call. It returns the id of the run to show: after a retry, the next
// attempt.
func (s server) runVerb(r *http.Request, v verb, id string) (string, error) {
	about, err := v.do(s, r, id)
	if err == nil {
		s.logCall(r, v.name, id)
	}
	return about, err
}

func (s server) resumeRun(r *http.Request, id string) (string, error) {
	var options api.Resume
	if err := decode(r, &options); err != nil {
		return "", err
	}
	return id, s.reconciler.Resume(r.Context(), id, options.GiveUp)
}

func (s server) cancelRun(r *http.Request, id string) (string, error) {
	if err := decode(r, &struct{}{}); err != nil {
		return "", err
	}
	return id, s.worker.Cancel(r.Context(), id)
}

func (s server) approveRun(r *http.Request, id string) (string, error) {
	if err := decode(r, &struct{}{}); err != nil {
		return "", err
	}
	return id, s.worker.Approve(r.Context(), id)
}

func (s server) clusterRun(r *http.Request, id string) (string, error) {
	if err := decode(r, &struct{}{}); err != nil {
		return "", err
	}
	return id, s.subsets.AskClusters(r.Context(), id)
}

// retryRun starts the next attempt of a run, with the same requested selections, and returns the id of the new run. A
// caller that gets no answer may call again: the second call starts no further attempt.
func (s server) retryRun(r *http.Request, id string) (string, error) {
	var options api.Retry
	if err := decode(r, &options); err != nil {
		return "", err
	}
	status, err := s.subsets.RunStatus(r.Context(), id)
	if err != nil {
		return "", err
	} else if status.NothingToRetry() && !options.ImagesChanged {
		return "", api.NewProblem(http.StatusConflict,
			fmt.Sprintf("run %s has no failed samples: there is nothing to retry", id))
	}
	if last, err := s.runs.LastScored(r.Context(), id); err != nil {
		return "", err
	} else if last.Run != id {
		return "", api.NewProblem(http.StatusConflict, fmt.Sprintf(
			"run %s was retried before: the latest attempt is %s; retry that attempt", id, last.Run))
	}
	next, err := s.subsets.StartAttempt(r.Context(), s.planner, s.worker, id)
	if err != nil {
		return "", err
	}
	return next.Run, nil
}
