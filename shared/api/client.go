package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// attempts is the largest number of requests for one call, if no complete answer arrives.
	attempts = 5
	// pause is the time between two attempts of a call.
	pause = 200 * time.Millisecond
	// shortestPoll and longestPoll limit the time between two calls of Poll's function.
	shortestPoll, longestPoll = 5 * time.Millisecond, 200 * time.Millisecond
)

// A Client calls the API of one deployment. It may be used concurrently.
//
// Every call of the API can be repeated. If an answer is incomplete or comes from a proxy, the client repeats the call
// a few times. After a 429 it repeats the call after the time that the answer states. If the API refuses a call, the
// error is a *Problem.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client of the API at a base URL of http or https, such as http://127.0.0.1:8080. client sends the
// requests, and adds the credentials that the deployment requires, such as an ID token.
func NewClient(base string, client *http.Client) (*Client, error) {
	at, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("URL of the API: %w", err)
	}
	if at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
		return nil, fmt.Errorf("URL of the API: %q is not a URL; give one such as https://harvest-curate-xyz.run.app", base)
	}
	if client == nil {
		return nil, errors.New("client of the API: the HTTP client is missing")
	}
	return &Client{base: strings.TrimRight(base, "/"), http: client}, nil
}

// Runs lists a page of the runs, the latest first.
func (c *Client) Runs(ctx context.Context, page Page) (*RunList, error) {
	return call[RunList](ctx, c, http.MethodGet, RunsPath+page.Query(), nil)
}

// AllRuns lists all runs, the latest first, page by page. It ends after the first error.
func (c *Client) AllRuns(ctx context.Context) iter.Seq2[RunEntry, error] {
	return all(func(page Page) ([]RunEntry, string, error) {
		list, err := c.Runs(ctx, page)
		if err != nil {
			return nil, "", err
		}
		return list.Runs, list.NextPageToken, nil
	})
}

// Selections lists a page of the selections of a run, in the order of their ids.
func (c *Client) Selections(ctx context.Context, id string, page Page) (*SelectionList, error) {
	return call[SelectionList](ctx, c, http.MethodGet, SelectionsPath(id)+page.Query(), nil)
}

// AllSelections lists all selections of a run, in the order of their ids, page by page. It ends after the first error.
func (c *Client) AllSelections(ctx context.Context, id string) iter.Seq2[SelectionEntry, error] {
	return all(func(page Page) ([]SelectionEntry, string, error) {
		list, err := c.Selections(ctx, id, page)
		if err != nil {
			return nil, "", err
		}
		return list.Selections, list.NextPageToken, nil
	})
}

// all yields the entries of all pages of a list.
func all[T any](list func(Page) (entries []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		page := Page{Size: MaxPageSize}
		for {
			entries, next, err := list(page)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if page.Token = next; next == "" {
				return
			}
		}
	}
}

// StartRun starts the run of a dataset, or returns the status of the run that the same dataset started before.
func (c *Client) StartRun(ctx context.Context, dataset run.Spec) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunsPath, dataset)
}

// Run returns the status of a run.
func (c *Client) Run(ctx context.Context, id string) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodGet, RunPath(id), nil)
}

// Resume continues a run that was interrupted or is stalled.
func (c *Client) Resume(ctx context.Context, id string, options Resume) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunPath(id)+":resume", options)
}

// Retry starts the next attempt of a scored run. The attempt rates failed samples again, and samples whose images have
// changed. Retry returns the status of the attempt.
func (c *Client) Retry(ctx context.Context, id string, options Retry) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunPath(id)+":retry", options)
}

// Cancel stops a run that is not scored yet. Written scores are kept.
func (c *Client) Cancel(ctx context.Context, id string) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunPath(id)+":cancel", nil)
}

// Cluster starts the search for near duplicates of a scored run, unless it was done before.
func (c *Client) Cluster(ctx context.Context, id string) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunPath(id)+":cluster", nil)
}

// Approve starts a run that waits for approval of its cost.
func (c *Client) Approve(ctx context.Context, id string) (*subset.RunStatus, error) {
	return call[subset.RunStatus](ctx, c, http.MethodPost, RunPath(id)+":approve", nil)
}

// StartSelection makes a selection of a scored run, or returns the selection that equal parameters made before. Its
// outputs are written later: see WaitSelection.
func (c *Client) StartSelection(ctx context.Context, id string, request SelectionRequest) (*SelectionStatus, error) {
	return call[SelectionStatus](ctx, c, http.MethodPost, SelectionsPath(id), request)
}

// StartSelections makes nested selections of a scored run, one for each of the request's Budgets, in the order of the
// budgets.
func (c *Client) StartSelections(
	ctx context.Context, id string, request SelectionRequest,
) ([]SelectionStatus, error) {
	if len(request.Budgets) == 0 {
		return nil, errors.New("nested selections: the request has no budgets")
	}
	list, err := call[NestedSelections](ctx, c, http.MethodPost, SelectionsPath(id), request)
	if err != nil {
		return nil, err
	}
	return list.Selections, nil
}

// Preview returns a preview of a selection of a scored run. It makes no selection.
func (c *Client) Preview(ctx context.Context, id string, request SelectionRequest) (*subset.Preview, error) {
	return call[subset.Preview](ctx, c, http.MethodPost, SelectionsPath(id)+":preview", request)
}

// Plan returns the plan of a run of a dataset. It starts no run.
func (c *Client) Plan(ctx context.Context, dataset run.Spec) (*PlanReport, error) {
	return call[PlanReport](ctx, c, http.MethodPost, PlansPath, dataset)
}

// Browse lists a page of the samples of a scored run that pass every filter (browse.ParseFilter). With a selection,
// which may be empty, the filters status and reason refer to the selection.
func (c *Client) Browse(
	ctx context.Context, id, selection string, filters []string, page Page,
) (*SamplePage, error) {
	values := page.values()
	values["filter"] = filters
	if selection != "" {
		values.Set("selection", selection)
	}
	return call[SamplePage](ctx, c, http.MethodGet, SamplesPath(id)+"?"+values.Encode(), nil)
}

// Sample returns one sample of a scored run. name is its id, or the name of its index (subset.IndexName).
func (c *Client) Sample(ctx context.Context, id, name string) (*subset.Shown, error) {
	return call[subset.Shown](ctx, c, http.MethodGet, SamplePath(id, name), nil)
}

// Selection returns the status of a selection.
func (c *Client) Selection(ctx context.Context, runID, id string) (*SelectionStatus, error) {
	return call[SelectionStatus](ctx, c, http.MethodGet, SelectionPath(runID, id), nil)
}

// WaitSelection waits until all outputs of a selection are written, or the selection has failed.
func (c *Client) WaitSelection(ctx context.Context, runID, id string) (status *SelectionStatus, err error) {
	err = Poll(ctx, func() (bool, error) {
		status, err = c.Selection(ctx, runID, id)
		return err == nil && status.State != Writing, err
	})
	return status, err
}

// Explain returns for each sample why it is in a selection or not, in the order of the ids.
func (c *Client) Explain(ctx context.Context, runID, selectionID string, ids ...string) ([]subset.Explanation, error) {
	path := SelectionPath(runID, selectionID) + "/explain?" + url.Values{"id": ids}.Encode()
	list, err := call[ExplanationList](ctx, c, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	return list.Samples, nil
}

// Sweep compares strategies and thresholds at one budget. It makes no selection.
func (c *Client) Sweep(ctx context.Context, runID string, request SweepRequest) (*subset.Sweep, error) {
	return call[subset.Sweep](ctx, c, http.MethodPost, RunPath(runID)+"/sweep", request)
}

// Compare compares a selection of a run with another one, with samples given by their ids, or the ratings of two runs.
func (c *Client) Compare(
	ctx context.Context, runID string, request subset.CompareRequest,
) (*subset.Comparison, error) {
	return call[subset.Comparison](ctx, c, http.MethodPost, RunPath(runID)+"/compare", request)
}

// Show returns samples of a scored run with their records and ratings, in the order of the ids.
func (c *Client) Show(ctx context.Context, runID string, ids ...string) ([]subset.Shown, error) {
	list, err := call[SampleList](ctx, c, http.MethodGet, RunPath(runID)+"/samples?"+url.Values{"id": ids}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return list.Samples, nil
}

// HasStatus reports whether err is a problem with an HTTP status.
func HasStatus(err error, status int) bool {
	problem, ok := errors.AsType[*Problem](err)
	return ok && problem.Status == status
}

// Poll calls look, with a pause after each call, until look is done or fails, or until ctx ends. The first pauses are
// shorter, so that the end of little work is seen soon.
func Poll(ctx context.Context, look func() (done bool, err error)) error {
	for wait := shortestPoll; ; wait = min(2*wait, longestPoll) {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// call makes a request with an optional body, and decodes the answer. It repeats the request if no complete answer of
// the API arrived.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("%s %s: encoding the request: %w", method, path, err)
		}
	}
	for attempt := 1; ; attempt++ {
		answer := new(T)
		again, err := c.exchange(ctx, method, path, data, answer)
		if err == nil {
			return answer, nil
		}
		_, refused := errors.AsType[*Problem](err)
		if refused && !HasStatus(err, http.StatusTooManyRequests) || ctx.Err() != nil || attempt == attempts {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
}

// exchange sends one request and decodes its answer. After an error it returns the time until the next attempt.
func (c *Client) exchange(
	ctx context.Context, method, path string, body []byte, answer any,
) (again time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return pause, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return pause, err // the error already names the method and the URL
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		problem := new(Problem)
		if err := json.NewDecoder(response.Body).Decode(problem); err != nil || problem.Detail == "" {
			return pause, fmt.Errorf("%s %s was answered %s", method, path, response.Status)
		}
		problem.Status = response.StatusCode
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			return time.Duration(seconds) * time.Second, problem
		}
		return pause, problem
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return pause, fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	}
	return 0, nil
}
