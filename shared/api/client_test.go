package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
)

// flaky starts a server that gives each of its answers once, in order, and then repeats the last one.
func flaky(t *testing.T, answers ...http.HandlerFunc) (client *api.Client, requests *[]string) {
	t.Helper()
	requests = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*requests = append(*requests, r.Method+" "+r.RequestURI+" "+string(body))
		answers[min(len(*requests), len(answers))-1](w, r)
	}))
	t.Cleanup(server.Close)
	client, err := api.NewClient(server.URL+"/", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return client, requests
}

// say returns a handler that answers with a status and a body.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// breakOff closes the connection in the middle of an answer.
func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"run": "sky-`)
}

// After a 429 the client repeats the call after the time that the answer states, a limited number of times.
func TestClientRepeatsAfter429(t *testing.T) {
	t.Parallel()
	busy := say(http.StatusTooManyRequests, `{"detail": "other selections are being made"}`)
	soon := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		busy(w, r)
	}
	client, requests := flaky(t, busy, soon, say(http.StatusAccepted, `{"id": "0123456789ab"}`))
	start := time.Now()
	sel, err := client.StartSelection(t.Context(), "sky-1", api.SelectionRequest{})
	if err != nil || sel.ID != "0123456789ab" || len(*requests) != 3 || time.Since(start) < time.Second {
		t.Errorf("selection %+v, error %v after %d requests and %v", sel, err, len(*requests), time.Since(start))
	}
	client, requests = flaky(t, busy)
	_, err = client.StartSelection(t.Context(), "sky-1", api.SelectionRequest{})
	if !api.HasStatus(err, http.StatusTooManyRequests) || len(*requests) != 5 {
		t.Errorf("error %v after %d requests, want 429 after 5", err, len(*requests))
	}
}

// If an answer is incomplete, the client repeats the call with its body.
func TestClientRepeats(t *testing.T) {
	t.Parallel()
	whole := say(http.StatusAccepted, `{"run": "sky-1"}`)
	client, requests := flaky(t, breakOff, say(http.StatusBadGateway, "<html>"), whole)
	status, err := client.Resume(t.Context(), "sky-1", api.Resume{GiveUp: true})
	if err != nil || status.Run != "sky-1" {
		t.Errorf("run %v, error %v", status, err)
	}
	const request = `POST /v1/runs/sky-1:resume {"give_up":true}`
	if diff := cmp.Diff([]string{request, request, request}, *requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// If no answer is complete, the client stops after some attempts, or when the context ends.
func TestClientGivesUp(t *testing.T) {
	t.Parallel()
	client, requests := flaky(t, say(http.StatusBadGateway, ""))
	if _, err := client.Runs(t.Context(), api.Page{}); err == nil || len(*requests) != 5 {
		t.Errorf("%d requests, error %v", len(*requests), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	client, requests = flaky(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusBadGateway)
	})
	if _, err := client.Runs(ctx, api.Page{}); err == nil || len(*requests) != 1 {
		t.Errorf("after the context ended: %d requests, error %v", len(*requests), err)
	}
}

// A refusal is returned with its status, and the call is not repeated.
func TestClientReturnsProblems(t *testing.T) {
	t.Parallel()
	const body = `{"title": "Not Found", "status": 404, "detail": "no such run"}`
	client, requests := flaky(t, say(http.StatusNotFound, body))
	_, err := client.Run(t.Context(), "../moon")
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok {
		t.Fatalf("error %v, want a problem", err)
	}
	if diff := cmp.Diff(api.NewProblem(http.StatusNotFound, "no such run"), problem); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
	if !api.HasStatus(err, http.StatusNotFound) || api.HasStatus(err, http.StatusConflict) {
		t.Errorf("error %v does not have only the status 404", err)
	}
	if diff := cmp.Diff([]string{"GET /v1/runs/..%2Fmoon "}, *requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "localhost:8080", "gs://bucket", "http://", "http://[::1"} {
		if _, err := api.NewClient(base, http.DefaultClient); err == nil {
			t.Errorf("%q: no error", base)
		}
	}
	if _, err := api.NewClient("http://localhost:8080", nil); err == nil {
		t.Error("without an HTTP client: no error")
	}
}

// Poll ends with the context, and with the first error.
func TestPoll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	err := api.Poll(ctx, func() (bool, error) {
		if looks++; looks == 2 {
			cancel()
		}
		return false, nil
	})
	if !errors.Is(err, context.Canceled) || looks != 2 {
		t.Errorf("after %d calls: %v", looks, err)
	}
	fault := errors.New("fault")
	if err := api.Poll(t.Context(), func() (bool, error) { return false, fault }); !errors.Is(err, fault) {
		t.Errorf("error %v, want the error of look", err)
	}
}

// AllRuns lists the runs of all pages, also after an empty page, and none after an error.
func TestClientPages(t *testing.T) {
	t.Parallel()
	client, requests := flaky(t,
		say(http.StatusOK, `{"runs": [{"run": "a"}], "next_page_token": "t/1"}`),
		say(http.StatusOK, `{"runs": [], "next_page_token": "t2"}`),
		say(http.StatusOK, `{"runs": [{"run": "b"}, {"run": "c"}]}`),
		say(http.StatusOK, `{"runs": [{"run": "d"}], "next_page_token": "t3"}`),
		say(http.StatusGone, `{"detail": "the page is lost"}`))
	var runs []string
	for range 2 {
		for entry, err := range client.AllRuns(t.Context()) {
			if err != nil {
				runs = append(runs, err.Error())
				continue
			}
			runs = append(runs, entry.Run)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "the page is lost"}, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if want := "GET /v1/runs?page_size=200&page_token=t%2F1 "; (*requests)[1] != want {
		t.Errorf("the second request is %q, want %q", (*requests)[1], want)
	}
}
