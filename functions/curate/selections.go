package curate

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func (s server) listSelections(r *http.Request) (answer, error) {
	p, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	listed, next, err := s.subsets.ListPage(r.Context(), r.PathValue("run"), p.cursor, p.size)
	if err != nil {
		return answer{}, err
	}
	list := listOf(listed)
	list.NextPageToken = tokenOf(next)
	return answer{status: http.StatusOK, body: list}, nil
}

// listOf returns selections as a list of the API, without the token of the next page.
func listOf(listed []subset.Listed) api.SelectionList {
	list := api.SelectionList{Selections: []api.SelectionEntry{}}
	for _, l := range listed {
		list.Selections = append(list.Selections, api.SelectionEntry{
			ID: l.ID, State: l.State, Created: l.Accepted, Budget: l.Parameters.Budget, InTokens: l.Parameters.InTokens,
			Selected: l.Selected, Problem: l.Problem,
		})
	}
	return list
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
	made := api.NestedSelections{Selections: make([]api.SelectionStatus, len(asked.Budgets))}
	// Make the largest selection first. Each error of a smaller selection is also an error of the largest, so an error
	// is reported before any selection is made.
	for i, spec := range slices.Backward(asked.Nested(asked.Budgets)) {
		one, err := s.selectOne(r, asked, spec)
		if err != nil {
			return answer{}, err
		}
		all.status = max(all.status, one.status) // 202 if one selection is still being written
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
	s.logCall(r, "select", sel.Run)
	status, err := s.selectionStatus(r, sel)
	return selectionAnswer(status), err
}

// selectionStatus returns a selection with its state and the caller who requested it.
func (s server) selectionStatus(r *http.Request, sel *subset.Selection) (api.SelectionStatus, error) {
	accepted, err := s.subsets.Acceptance(r.Context(), sel.Run, sel.ID)
	if err != nil {
		return api.SelectionStatus{}, err
	}
	state, err := s.subsets.State(r.Context(), sel)
	return api.SelectionStatus{State: state, AskedBy: accepted.By, Selection: sel}, err
}

func (s server) getSelection(r *http.Request) (answer, error) {
	found, err := s.named(r)
	if err != nil {
		return answer{}, err
	}
	return selectionAnswer(found), nil
}

// named returns the selection that the path names.
func (s server) named(r *http.Request) (api.SelectionStatus, error) {
	sel, err := s.subsets.Find(r.Context(), r.PathValue("run"), r.PathValue("selection"))
	if err != nil {
		return api.SelectionStatus{}, err
	}
	return s.selectionStatus(r, sel)
}

func selectionAnswer(sel api.SelectionStatus) answer {
	ans := answer{status: http.StatusOK, body: sel}
	if sel.State == api.Writing {
		ans.status, ans.location = http.StatusAccepted, api.SelectionPath(sel.Run, sel.ID)
	}
	return ans
}

// previewSelection serves POST /v1/runs/{run}/selections:preview.
func (s server) previewSelection(r *http.Request) (answer, error) {
	var asked api.SelectionRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if len(asked.Budgets) > 0 {
		return answer{}, api.NewProblem(http.StatusBadRequest,
			"budgets: a preview shows one selection; give the largest budget as budget, and the smaller ones as within")
	}
	if err := run.CheckBudgets(len(asked.Within) + 1); err != nil {
		return answer{}, api.NewProblem(http.StatusUnprocessableEntity, fmt.Sprintf("within: %v", err))
	}
	preview, err := s.subsets.Preview(r.Context(), r.PathValue("run"), asked.Request, asked.MaxFailed)
	return answer{status: http.StatusOK, body: preview}, err
}

// getReport serves the report that is stored with a selection. The report contains its own content-security policy.
func (s server) getReport(r *http.Request) (answer, error) {
	sel, err := s.completed(r)
	if err != nil {
		return answer{}, err
	}
	var content bytes.Buffer
	err = s.subsets.CopyOutput(r.Context(), sel, sel.Outputs.Report, &content)
	return answer{status: http.StatusOK, body: file{
		contentType: pageType, content: content.Bytes(), policy: "frame-ancestors 'none'",
	}}, err
}

// completed returns the selection that the path names. The error is a conflict if its outputs do not exist yet.
func (s server) completed(r *http.Request) (*subset.Selection, error) {
	sel, err := s.named(r)
	switch {
	case err != nil:
		return nil, err
	case sel.State == api.Failed:
		return nil, api.NewProblem(http.StatusConflict,
			fmt.Sprintf("selection %s of run %s has no outputs: %s", sel.ID, sel.Run, sel.Problem))
	case sel.State != api.Completed:
		return nil, api.NewProblem(http.StatusConflict, fmt.Sprintf(
			"selection %s of run %s is being written; GET %s reports when its outputs exist",
			sel.ID, sel.Run, api.SelectionPath(sel.Run, sel.ID)))
	}
	return sel.Selection, nil
}

func (s server) explain(r *http.Request) (answer, error) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 {
		return answer{}, api.NewProblem(http.StatusBadRequest, "id: give ids of samples to explain, as ?id=…&id=…")
	}
	samples, err := s.subsets.Explain(r.Context(), r.PathValue("run"), r.PathValue("selection"), ids)
	return answer{status: http.StatusOK, body: api.ExplanationList{Samples: samples}}, err
}
