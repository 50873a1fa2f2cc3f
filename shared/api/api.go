// Package api is the contract of the HTTP API: the paths, the bodies of requests and responses, and a client.
//
// The function curate serves it; openapi.yaml describes every call. The bodies of runs, selections and explanations are
// types of packages run and subset.
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

// The paths of the API that do not name a run. The paths of runs and selections are below RunsPath.
const (
	RunsPath        = "/v1/runs"         // lists runs
	PlansPath       = "/v1/plans"        // plans datasets
	DescriptionPath = "/v1/openapi.yaml" // the description of the API
	DocsPath        = "/docs"            // the description as a page
)

//go:embed openapi.yaml
var description string

// Description returns the description of the API: a document of OpenAPI 3.1, in YAML.
func Description() []byte { return []byte(description) }

// A Service is the answer of GET /: the name of the service, and the URLs of its calls and their description.
type Service struct {
	Service string `json:"service"`
	Runs    string `json:"runs"`
	Docs    string `json:"docs"`
	OpenAPI string `json:"openapi"`
}

// NewService returns the answer of every service of this version.
func NewService() Service {
	return Service{Service: "harvest", Runs: RunsPath, Docs: DocsPath, OpenAPI: DescriptionPath}
}

// RunPath returns the path of a run.
func RunPath(run string) string { return RunsPath + "/" + url.PathEscape(run) }

// SelectionsPath returns the path of a run's selections.
func SelectionsPath(run string) string { return RunPath(run) + "/selections" }

// SelectionPath returns the path of one selection of a run.
func SelectionPath(run, selection string) string {
	return SelectionsPath(run) + "/" + url.PathEscape(selection)
}

// A Page requests a part of a list.
type Page struct {
	Size  int    // page_size: at most this many entries, 1 to MaxPageSize; 0 for DefaultPageSize
	Token string // page_token: the next_page_token of the previous page; empty for the first page
}

// The sizes of pages.
const (
	DefaultPageSize = 50
	MaxPageSize     = 200
)

// Query returns the query of a URL that requests the page, with its question mark. It is empty for the first page of
// the default size.
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
	// Runs has the latest run first. It is an empty array, not null, if there are no runs.
	Runs []RunEntry `json:"runs"`
	// NextPageToken is the Token of the next page; empty after the last page. A page may be short although more pages
	// follow.
	NextPageToken string `json:"next_page_token,omitempty"`
}

// A RunEntry is one run in a list.
type RunEntry struct {
	Run     string    `json:"run"`
	Dataset string    `json:"dataset"`
	State   string    `json:"state"`   // one of run's State constants
	Created time.Time `json:"created"` // when the run was accepted first
	Samples int64     `json:"samples"`
	// SamplesDone is the number of samples that are scored, failed or skipped. It is approximate until the run is scored.
	SamplesDone int64 `json:"samples_done"`
	// SamplesInFlight is the approximate number of samples that are being scored.
	SamplesInFlight int64 `json:"samples_in_flight"`
	// Size is the total size of the manifests, in bytes.
	Size   int64  `json:"size"`
	Scorer string `json:"scorer,omitempty"` // kind of the scorer
	// Parameters are the parameters of the automatic selection, without ids of samples; zero without an automatic
	// selection.
	Parameters selection.Request `json:"parameters,omitzero"`
	// Problem is the reason why the run was refused or failed, or names its damaged object; empty for other runs.
	Problem string `json:"problem,omitempty"`
	// Waiting is set while the run's scorer does not answer; nil for other runs.
	Waiting *run.Waiting `json:"waiting,omitempty"`
}

// A SelectionList is the answer of GET /v1/runs/{run}/selections.
type SelectionList struct {
	// Selections are in the order of their ids. It is an empty array, not null, if there are no selections.
	Selections    []SelectionEntry `json:"selections"`
	NextPageToken string           `json:"next_page_token,omitempty"` // as in RunList
}

// A SelectionEntry is one selection in a list.
type SelectionEntry struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`            // Writing, Completed, Failed or Damaged
	Created  time.Time `json:"created,omitzero"` // when the selection was accepted first; zero until it is made
	Budget   int       `json:"budget"`           // samples, or tokens
	InTokens bool      `json:"in_tokens,omitempty"`
	Selected int       `json:"selected"` // number of samples in the subset
	// Problem is the reason why no sample was selected, or names the damaged object; empty otherwise.
	Problem string `json:"problem,omitempty"`
}

// A Resume is the optional body of POST /v1/runs/{run}:resume.
type Resume struct {
	// GiveUp records the samples of dead letters as failed, so that the run completes without them.
	GiveUp bool `json:"give_up"`
}

// A Retry is the optional body of POST /v1/runs/{run}:retry.
type Retry struct {
	// ImagesChanged starts the next attempt even if no sample failed, because images have changed.
	ImagesChanged bool `json:"images_changed,omitempty"`
}

// A SelectionRequest is the body of POST /v1/runs/{run}/selections.
type SelectionRequest struct {
	selection.Request
	// Budgets, instead of one budget, make nested selections, the smallest first: each contains the one before it.
	Budgets []selection.Budget `json:"budgets,omitempty"`
	// MaxFailed is the number of samples of the run that may have failed; zero for the value in the run's plan.
	MaxFailed run.Allowance `json:"max_failed,omitzero"`
	// Notify marks the selections as automatic for subscribers, which may then start a training.
	Notify bool `json:"notify,omitempty"`
}

// A SweepRequest is the body of POST /v1/runs/{run}/sweep, whose answer is a subset.Sweep. Without rating_errors the
// measured errors of the run's scorer apply, if it has any; an empty object applies no errors.
type SweepRequest struct {
	subset.SweepRequest
	// MaxFailed is as in SelectionRequest.
	MaxFailed run.Allowance `json:"max_failed,omitzero"`
}

// The states of a selection.
const (
	Writing   = subset.StateWriting   // some outputs do not exist yet
	Completed = subset.StateCompleted // all outputs exist
	Failed    = subset.StateFailed    // no sample was selected; see problem
	Damaged   = run.StateDamaged      // in lists: an object of the selection is missing or cannot be read; see problem
)

// A SelectionStatus is the answer to calls about one selection.
type SelectionStatus struct {
	State   string `json:"state"` // Writing, Completed or Failed
	AskedBy string `json:"asked_by,omitempty"`
	*subset.Selection
}

// A NestedSelections is the answer to a SelectionRequest with Budgets, in the order of the budgets.
type NestedSelections struct {
	Selections []SelectionStatus `json:"selections"`
}

// An ExplanationList is the answer of GET /v1/runs/{run}/selections/{selection}/explain?id=…&id=…, in the
// order of the ids.
type ExplanationList struct {
	Samples []subset.Explanation `json:"samples"`
}

// SamplesPath returns the path of the samples of a run.
func SamplesPath(run string) string { return RunPath(run) + "/samples" }

// SamplePath returns the path of one sample of a run. name is its id, or the name of its index (subset.IndexName).
func SamplePath(run, name string) string { return SamplesPath(run) + "/" + url.PathEscape(name) }

// ImagePath returns the path of a small copy of an image of a sample. number counts from 1. The copy is at most width
// pixels wide and high.
func ImagePath(run, name string, number, width int) string {
	return fmt.Sprintf("%s/images/%d?width=%d", SamplePath(run, name), number, width)
}

// The widths of small copies of images, in pixels.
const (
	DefaultImageWidth = 192
	MaxImageWidth     = 512
)

// A SamplePage is the answer of GET /v1/runs/{run}/samples without ids: a page of the samples that pass every filter,
// in the order of the dataset.
type SamplePage struct {
	Samples []browse.Entry `json:"samples"`
	// Matched counts the samples of all pages, up to browse.MostCounted; More is true if there are more.
	Matched int  `json:"matched"`
	More    bool `json:"more,omitempty"`
	// Columns are the names of the numeric columns that filters may use; empty if there are none.
	Columns       []string `json:"columns,omitempty"`
	NextPageToken string   `json:"next_page_token,omitempty"` // as in RunList
}

// A PlanReport is the answer of POST /v1/plans: the plan of a run, which is not started.
type PlanReport struct {
	Run           string  `json:"run"` // the id of the run, whether or not it is started
	Ranges        int     `json:"ranges"`
	EstimatedCost float64 `json:"estimated_cost"` // US dollars
	// Notes are the notes of the plan.
	Notes []string `json:"notes,omitempty"`
	// Of is the number of records of the dataset if the run is a trial; else 0. A trial has only some of the records.
	Of int64 `json:"of,omitempty"`
	// Changed counts the scored samples with new or changed images. Kept counts the scores that stay valid.
	Changed int64 `json:"images_changed"`
	Kept    int64 `json:"scores_kept"`
	*run.Survey
}

// NewPlanReport returns the report of a plan.
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

// A Problem is the body of every error answer, of type application/problem+json (RFC 9457). A Client returns it as its
// error.
type Problem struct {
	Title  string `json:"title"`  // the name of the HTTP status
	Status int    `json:"status"` // the HTTP status, 400 to 599
	Detail string `json:"detail"` // the error and the fix
}

// NewProblem returns a problem with an HTTP status.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// Write answers a request with the problem.
func (p *Problem) Write(w http.ResponseWriter) { WriteJSON(w, "application/problem+json", p.Status, p) }

// WriteJSON answers a request with a body of JSON.
func WriteJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = EncodeJSON(w, body) // an error means that the client has disconnected
}

// EncodeJSON writes JSON, indented by one space. It does not escape <, > and &.
func EncodeJSON(w io.Writer, body any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(body)
}

// Error returns the problem's detail.
func (p *Problem) Error() string { return p.Detail }
