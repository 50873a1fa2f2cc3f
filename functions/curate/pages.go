package curate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
)

// pageType is the content type of pages.
const pageType = "text/html; charset=utf-8"

// pages returns the routes of all pages except the first page, which is at /. Each page shows the answer of a call of
// the API.
func (s server) pages() []route {
	const runPage = site.RunsPath + "/{run}"
	return []route{
		get(runPage, s.runPage),
		post(runPage, s.doRun),
		get(runPage+"/select", s.selectPage, formFields...),
		post(runPage+"/select", s.doSelect),
		get(runPage+"/selections/{selection}", s.selectionPage),
		get(runPage+"/selections/{selection}/review", s.reviewPage, reviewFields...),
		post(runPage+"/selections/{selection}/review", s.doReview),
		get(runPage+"/selections/{selection}/review.jsonl", s.getReview, reviewFields...),
		get(runPage+"/samples", s.samplesPage, append(paged, samplesFields...)...),
		get(runPage+"/samples/{sample}", s.samplePage),
	}
}

// samplesFields are the names of the fields of the form that filters samples.
var samplesFields = []string{"filter", "source", "cluster", "column", "operator", "number", "selection"}

// show renders a page.
func (s server) show(view site.View, status int) (answer, error) {
	content, err := s.site.Render(view, time.Now())
	return answer{status: status, body: file{
		contentType: pageType, content: content, policy: s.site.Policy, cache: "no-store",
	}}, err
}

// shown returns a call that answers the errors of c as pages.
func (s server) shown(c call) call {
	return func(r *http.Request) (answer, error) {
		ans, err := c(r)
		if err == nil {
			return ans, nil
		}
		status := s.failed(r, err)
		return s.show(site.Problem{Problem: api.NewProblem(status, detailOf(err))}, status)
	}
}

// seeOther returns the answer to a posted form: a redirect to the page at path.
func seeOther(path string) answer { return answer{status: http.StatusSeeOther, location: path} }

func (s server) runsPage(r *http.Request) (answer, error) {
	listed, err := s.listRuns(r)
	if err != nil {
		return answer{}, err
	}
	list := listed.body.(api.RunList)
	return s.show(site.Runs{RunList: &list, First: r.URL.Query().Get("page_token") == ""}, http.StatusOK)
}

func (s server) runPage(r *http.Request) (answer, error) {
	status, err := s.subsets.RunStatus(r.Context(), r.PathValue("run"))
	if err != nil {
		return answer{}, err
	}
	listed, more, err := s.latestSelections(r.Context(), status.Run)
	if err != nil {
		return answer{}, err
	}
	if len(listed) > api.DefaultPageSize {
		listed, more = listed[:api.DefaultPageSize], true
	}
	list := listOf(listed)
	return s.show(site.Run{RunStatus: status, List: &list, More: more}, http.StatusOK)
}

// maxListed is the largest number of selections of a run that a page reads. Each selection takes several requests to
// the storage.
const maxListed = api.MaxPageSize

// latestSelections returns the maxListed newest selections of a run, the newest first. If the run has more, more is
// true.
func (s server) latestSelections(ctx context.Context, runID string) (listed []subset.Listed, more bool, err error) {
	return s.subsets.Newest(ctx, runID, maxListed)
}

// doRun runs the verb of a button on a run's page, like POST /v1/runs/{run}:<verb>, and redirects to a page: that of
// the run, or of its samples.
func (s server) doRun(r *http.Request) (answer, error) {
	typed, err := postedForm(r, []string{"do"})
	if err != nil {
		return answer{}, err
	}
	id, name := r.PathValue("run"), typed.Get("do")
	v, ok := findVerb(name)
	if !ok {
		return answer{}, api.NewProblem(http.StatusBadRequest,
			fmt.Sprintf("do: %q is not an action of a run; give one of: %s", name, strings.Join(verbNames(""), ", ")))
	}
	r.Body = http.NoBody // ParseForm has read it, and the verbs read the body as JSON
	about, err := s.runVerb(r, v, id)
	if name == "cluster" {
		return seeOther(site.SamplesPath(about)), err
	}
	return seeOther(site.RunPath(about)), err
}

func (s server) selectionPage(r *http.Request) (answer, error) {
	sel, err := s.named(r)
	if err != nil {
		return answer{}, err
	}
	return s.show(site.Selection{SelectionStatus: &sel}, http.StatusOK)
}

// samplesPage shows a page of the list of a run's samples. Its form has separate fields for the source, for a sample
// whose near duplicates are listed, and for a condition on a numeric column.
func (s server) samplesPage(r *http.Request) (answer, error) {
	ctx, id, query := r.Context(), r.PathValue("run"), r.URL.Query()
	plan, err := s.runs.UsablePlan(ctx, id)
	if err != nil {
		return answer{}, err
	}
	status, err := s.subsets.RunStatus(ctx, id)
	if err != nil {
		return answer{}, err
	}
	listed, _, err := s.latestSelections(ctx, id)
	if err != nil {
		return answer{}, err
	}
	view := site.Samples{
		RunID: id, Selection: query.Get("selection"), Token: query.Get("page_token"), Of: map[int64]site.Excerpt{},
		Capabilities: plan.Rubric.Capabilities, Styles: plan.Rubric.Styles,
		Filters:  slices.DeleteFunc(query["filter"], func(f string) bool { return f == "" }),
		Clusters: status.Clusters, ClustersProblem: status.ClustersProblem,
	}
	for _, name := range []string{"source", "cluster"} {
		if value := strings.TrimSpace(query.Get(name)); value != "" {
			view.Filters = append(view.Filters, name+"="+value)
		}
	}
	if column, than := query.Get("column"), strings.TrimSpace(query.Get("number")); column != "" && than != "" {
		view.Filters = append(view.Filters, column+query.Get("operator")+than)
	}
	for _, l := range listed {
		view.Choices = append(view.Choices, api.SelectionEntry{ID: l.ID, Selected: l.Selected})
	}
	view.Reasons = reasonsOf(status, view.Selection != "")
	p, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	if view.Columns, err = s.samples.Columns(ctx, plan, view.Selection); err != nil {
		return answer{}, err
	}
	view.SamplePage, err = s.browse(ctx, id, view.Selection, view.Filters, p)
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		view.Problem = refused.Error()
		return s.show(view, http.StatusUnprocessableEntity)
	} else if err != nil {
		return answer{}, err
	}
	var indexes []int64
	for _, e := range view.Samples {
		indexes = append(indexes, e.Index)
	}
	err = s.subsets.EachSample(ctx, plan, indexes, func(index int64, sample *dataset.Sample) error {
		view.Of[index] = site.NewExcerpt(sample)
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return s.show(view, http.StatusOK)
}

// reasonsOf returns the reasons by which samples of a run can be filtered. If selected is true, they include the
// reasons of selections.
func reasonsOf(status *subset.RunStatus, selected bool) []reason.Code {
	var all []reason.Code
	for code := range status.Reasons {
		all = append(all, code)
	}
	slices.Sort(all)
	for _, e := range reason.Table() {
		if selected && e.Code.Subject() == reason.Selection {
			all = append(all, e.Code)
		}
	}
	return all
}

// maxDuplicates is the largest number of near duplicates that the page of a sample names.
const maxDuplicates = 10

// maxExplained is the largest number of selections that the page of a sample explains. The page explains the latest
// ones.
const maxExplained = 3

func (s server) samplePage(r *http.Request) (answer, error) {
	ctx, id := r.Context(), r.PathValue("run")
	plan, index, err := s.subsets.Addressed(ctx, id, r.PathValue("sample"))
	if err != nil {
		return answer{}, err
	}
	shown, record, err := s.subsets.ShowAt(ctx, plan, index)
	if err != nil {
		return answer{}, err
	}
	parse, err := plan.Parser(plan.RangeOf(index))
	if err != nil {
		return answer{}, err
	}
	sample := record.Sample(parse)
	view := site.Sample{RunID: id, Shown: shown, Turns: site.NewTurns(sample), Count: len(sample.Images)}
	if view.Duplicates, err = s.subsets.Duplicates(ctx, plan, index, maxDuplicates); err != nil {
		return answer{}, err
	}
	listed, _, err := s.latestSelections(ctx, id)
	if err != nil {
		return answer{}, err
	}
	for _, l := range listed {
		if len(view.Selections) == maxExplained {
			break
		}
		if l.State != api.Completed {
			continue
		}
		of := &subset.Outcome{Plan: plan, Selection: l.Selection}
		why, err := s.subsets.ExplainAt(ctx, of, []uint32{uint32(index)})
		if err != nil {
			return answer{}, err
		}
		view.Why, view.Selections = append(view.Why, why...), append(view.Selections, l.ID)
	}
	return s.show(view, http.StatusOK)
}
