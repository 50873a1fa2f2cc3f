package curate

import (
	"fmt"
	"net/http"
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

// logCall logs a change by a caller, and who the caller was.
func (s server) logCall(r *http.Request, call, id string) {
	s.log.InfoContext(r.Context(), "call", "call", call, "run", id, "by", run.CallerOf(r.Context()))
}

// accepted answers a call that changes the state of a run.
func (s server) accepted(r *http.Request, id string) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), id)
	return answer{status: http.StatusAccepted, location: api.RunPath(id), body: status}, err
}

func (s server) getRun(r *http.Request) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), r.PathValue("run"))
	return answer{status: http.StatusOK, body: status}, err
}

// A verb is the action of POST /v1/runs/{run}:<name>. It returns the run whose status is the answer.
type verb struct {
	name string
	do   func(s server, r *http.Request, id string) (string, error)
}

// verbs are all verbs, in the order of the list in the answer to an unknown verb.
var verbs = [...]verb{
	{"resume", server.resumeRun}, {"retry", server.retryRun}, {"cancel", server.cancelRun}, {"approve", server.approveRun},
	{"cluster", server.clusterRun},
}

// callRun serves POST /v1/runs/{run}:<verb>.
func (s server) callRun(r *http.Request) (answer, error) {
	id, name, _ := strings.Cut(r.PathValue("run"), ":")
	for _, v := range verbs {
		if v.name != name {
			continue
		}
		about, err := v.do(s, r, id)
		if err != nil {
			return answer{}, err
		}
		s.logCall(r, name, id)
		return s.accepted(r, about)
	}
	var names []string
	for _, v := range verbs {
		names = append(names, ":"+v.name)
	}
	return answer{}, api.NewProblem(http.StatusNotFound, fmt.Sprintf("%q is not a call of a run; those of run %s are %s",
		r.PathValue("run"), id, strings.Join(names, ", ")))
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

// retryRun starts the next attempt of a run, with all selections that were requested of it, and returns its id. Each
// step can be repeated: a caller without an answer calls again.
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
			"run %s was retried before: the latest attempt is %s; retry that one", id, last.Run))
	}
	next, err := s.subsets.StartAttempt(r.Context(), s.planner, s.worker, id)
	if err != nil {
		return "", err
	}
	return next.Run, nil
}
