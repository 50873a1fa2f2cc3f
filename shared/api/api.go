// Package api is the contract of the HTTP API: the paths, the bodies of requests and responses, and a client.
//
// The function curate serves it; openapi.yaml describes every call. The bodies of runs, selections and explanations are
// those of packages run and subset.
package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// The paths of the API that are about no run. Those of runs and selections are below RunsPath.
const (
	RunsPath        = "/v1/runs"         // the list of runs
	PlansPath       = "/v1/plans"        // plans datasets
	DescriptionPath = "/v1/openapi.yaml" // what Description returns
	DocsPath        = "/docs"            // the same as a page to read
)

//go:embed openapi.yaml
var description string

// Description is the contract of the API: a document of OpenAPI 3.1, in YAML.
func Description() []byte { return []byte(description) }

// A Service is the answer of GET /: what answers, and where its calls and their description are.
type Service struct {
	Service string `json:"service"`
	Runs    string `json:"runs"`
	Docs    string `json:"docs"`
	OpenAPI string `json:"openapi"`
}

// NewService is the answer of every service of this version.
func NewService() Service {
	return Service{Service: "harvest", Runs: RunsPath, Docs: DocsPath, OpenAPI: DescriptionPath}
}

// RunPath is the path of a run.
func RunPath(run string) string { return RunsPath + "/" + url.PathEscape(run) }

// SelectionsPath is the path of a run's selections.
func SelectionsPath(run string) string { return RunPath(run) + "/selections" }

// SelectionPath is the path of one selection of a run.
func SelectionPath(run, selection string) string {
	return SelectionsPath(run) + "/" + url.PathEscape(selection)
}

// A Page is the query that requests a part of a list.
type Page struct {
	Size  int    // page_size: at most this many entries, 1 to MaxPageSize; 0 for DefaultPageSize
	Token string // page_token: the next_page_token of the page before; empty for the first one
}

// The sizes of pages.
const (
	DefaultPageSize = 50
	MaxPageSize     = 200
)

// Query is the page as the query of a URL, with its question mark; empty for the first page of the default size.
func (p Page) Query() string {
	values := p.values()
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func (p Page) values() url.Values {
	values := url.Values{}
	if p.Size != 0 {
		values.Set("page_size", strconv.Itoa(p.Size))
	}
	if p.Token != "" {
		values.Set("page_token", p.Token)
	}
	return values
}

// A RunList is the answer of GET /v1/runs.
type RunList struct {
	// Runs are the runs that were accepted last first. It is an empty array, not null, where there are none.
	Runs []RunEntry `json:"runs"`
	// NextPageToken is the Token of the next page; empty after the last one. A short page is no sign of the end.
	NextPageToken string `json:"next_page_token,omitempty"`
}

// A RunEntry is one run in a list.
type RunEntry struct {
	Run     string    `json:"run"`
	Dataset string    `json:"dataset"`
	State   string    `json:"state"`   // one of run's State constants
	Created time.Time `json:"created"` // when it was accepted first
	Samples int64     `json:"samples"`
	// SamplesDone is how many of them are scored, failed or skipped; until the run is scored, about this many.
	SamplesDone int64 `json:"samples_done"`
	// SamplesInFlight is about how many of them are being scored.
	SamplesInFlight int64 `json:"samples_in_flight"`
	// Size is how many bytes the manifests have.
	Size   int64  `json:"size"`
	Scorer string `json:"scorer,omitempty"` // kind
	// Parameters are the parameters of the automatic selection, without ids of samples; zero if there is none.
	Parameters selection.Request `json:"parameters,omitzero"`
	// Problem is why the run was refused or failed, or what of it is damaged; empty for other runs.
	Problem string `json:"problem,omitempty"`
	// Waiting is what the run waits for while its scorer does not answer; nil for other runs.
	Waiting *run.Waiting `json:"waiting,omitempty"`
}

// A SelectionList is the answer of GET /v1/runs/{run}/selections.
type SelectionList struct {
	// Selections are in the order of their ids. It is an empty array, not null, where there are none.
	Selections    []SelectionEntry `json:"selections"`
	NextPageToken string           `json:"next_page_token,omitempty"` // as that of a RunList
}

// A SelectionEntry is one selection in a list.
type SelectionEntry struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`            // Writing, Completed, Failed or Damaged
	Created  time.Time `json:"created,omitzero"` // when it was accepted first, once it is made
	Budget   int       `json:"budget"`           // samples, or tokens
	InTokens bool      `json:"in_tokens,omitempty"`
	Selected int       `json:"selected"` // samples of the subset
	// Problem is why no sample was selected, or what of the selection is damaged; empty otherwise.
	Problem string `json:"problem,omitempty"`
}

// A Resume is the body of POST /v1/runs/{run}:resume, which may be left out.
type Resume struct {
	// GiveUp records the samples of dead letters as failed, so that the run completes without them.
	GiveUp bool `json:"give_up"`
}

// A Retry is the body of POST /v1/runs/{run}:retry, which may be left out.
type Retry struct {
	// ImagesChanged starts the next attempt though no sample failed: the caller knows that images have changed since.
	ImagesChanged bool `json:"images_changed,omitempty"`
}

// A SelectionRequest is the body of POST /v1/runs/{run}/selections.
type SelectionRequest struct {
	selection.Request
	// Budgets, instead of one budget, make nested selections, the smallest first: each contains the one before it.
	Budgets []selection.Budget `json:"budgets,omitempty"`
	// MaxFailed is how many samples of the run may have failed; if it is not given, as many as its plan says.
	MaxFailed run.Allowance `json:"max_failed,omitzero"`
	// Notify marks the selections as automatic for subscribers, which may then start a training.
	Notify bool `json:"notify,omitempty"`
}

// A SweepRequest is the body of POST /v1/runs/{run}/sweep, which answers with a subset.Sweep. Without rating_errors the
// measured errors of the run's scorer apply, if there are any; {} applies none.
type SweepRequest struct {
	subset.SweepRequest
	// MaxFailed is as in SelectionRequest.
	MaxFailed run.Allowance `json:"max_failed,omitzero"`
}

// The states of a selection.
const (
	Writing   = subset.StateWriting   // some outputs are not there yet
	Completed = subset.StateCompleted // all outputs are there
	Failed    = subset.StateFailed    // no sample was selected; see problem
	Damaged   = run.StateDamaged      // in lists: an object of it is gone or cannot be read; see problem
)

// A SelectionStatus is the answer to calls about one selection.
type SelectionStatus struct {
	State   string `json:"state"` // Writing, Completed or Failed
	AskedBy string `json:"asked_by,omitempty"`
	*subset.Selection
}

// A NestedSelections is the answer to a SelectionRequest with Budgets, in their order.
type NestedSelections struct {
	Selections []SelectionStatus `json:"selections"`
}

// An ExplanationList is the answer of GET /v1/runs/{run}/selections/{selection}/explain?id=…&id=…, in the
// order of the ids.
type ExplanationList struct {
	Samples []subset.Explanation `json:"samples"`
}

// SamplesPath is the path of the samples of a run.
func SamplesPath(run string) string { return RunPath(run) + "/samples" }

// SamplePath is the path of one sample of a run, by its id, or by its index as subset.IndexName has it.
func SamplePath(run, name string) string { return SamplesPath(run) + "/" + url.PathEscape(name) }

// ImagePath is the path of a small copy of an image of a sample, from 1, no wider and no higher than this many pixels.
func ImagePath(run, name string, number, width int) string {
	return fmt.Sprintf("%s/images/%d?width=%d", SamplePath(run, name), number, width)
}

// The widths of small copies of images, in pixels.
const (
	DefaultImageWidth = 192
	MaxImageWidth     = 512
)

// A SamplePage is the answer of GET /v1/runs/{run}/samples without ids: a page of those that each filter lets through,
// in the order of the dataset.
type SamplePage struct {
	Samples []browse.Entry `json:"samples"`
	// Matched counts the samples of all pages, at most browse.MostCounted of them; More says that the list was cut.
	Matched int  `json:"matched"`
	More    bool `json:"more,omitempty"`
	// Columns are the names of the columns of numbers that filters may name; empty where there are none.
	Columns       []string `json:"columns,omitempty"`
	NextPageToken string   `json:"next_page_token,omitempty"` // as that of a RunList
}

// A PlanReport is the answer of POST /v1/plans: what a run of a dataset would do.
type PlanReport struct {
	Run           string  `json:"run"` // the id that it would have, or has
	Ranges        int     `json:"ranges"`
	EstimatedCost float64 `json:"estimated_cost"` // US dollars
	// Notes are the notes of the plan.
	Notes []string `json:"notes,omitempty"`
	Of    int64    `json:"of,omitempty"` // records of the dataset, where the run is a trial on some of them
	// Changed counts the samples that have scores, and new or changed images since; Kept the scores that stay.
	Changed int64 `json:"images_changed"`
	Kept    int64 `json:"scores_kept"`
	*run.Survey
}

// NewPlanReport is the report of a plan.
func NewPlanReport(plan *run.Plan, survey *run.Survey, changes run.ImageChanges) *PlanReport {
	return &PlanReport{
		Run: plan.Run, Ranges: len(plan.Ranges), EstimatedCost: plan.EstimatedCost, Notes: plan.Notes,
		Of:      plan.Of,
		Changed: changes.Changed, Kept: changes.Kept, Survey: survey,
	}
}

// A SampleList is the answer of GET /v1/runs/{run}/samples?id=…&id=…, in the order of the ids.
type SampleList struct {
	Samples []subset.Shown `json:"samples"`
}

// A Problem is the body of every error answer, of type application/problem+json (RFC 9457), and the error that a Client
// returns for it.
type Problem struct {
	Title  string `json:"title"`  // the name of the status
	Status int    `json:"status"` // the HTTP status, 400 to 599
	Detail string `json:"detail"` // what is wrong, and what to do
}

// NewProblem is a problem of an HTTP status.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// Write answers a request with the problem.
func (p *Problem) Write(w http.ResponseWriter) { WriteJSON(w, "application/problem+json", p.Status, p) }

// WriteJSON answers a request with a body of JSON.
func WriteJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = EncodeJSON(w, body) // the client is gone if this fails
}

// EncodeJSON writes JSON for people and programs: indented by one space, with <, > and & as they are.
func EncodeJSON(w io.Writer, body any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(body)
}

// Error is the problem's detail.
func (p *Problem) Error() string { return p.Detail }
