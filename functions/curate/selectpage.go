package curate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// selectPage shows the form of a selection, and a preview for its fields.
func (s server) selectPage(r *http.Request) (answer, error) {
	return s.selectForm(r, r.URL.Query(), nil, http.StatusOK)
}

// selectForm shows the form with the typed values. problem is the error of the selection that was requested; nil if no
// selection was requested.
func (s server) selectForm(r *http.Request, typed url.Values, problem error, status int) (answer, error) {
	ctx, id := r.Context(), r.PathValue("run")
	plan, err := s.runs.UsablePlan(ctx, id)
	if err != nil {
		return answer{}, err
	}
	view := site.Select{RunID: id, Dataset: plan.Dataset, Form: formOf(typed)}
	if problem == nil && view.Form.Budget != "" {
		var asked api.SelectionRequest
		if asked, problem = requestOf(view.Form); problem == nil {
			view.Preview, problem = s.subsets.Preview(ctx, id, asked.Request, asked.MaxFailed)
		}
		if problem == nil {
			view.CLI, view.Curl, problem = s.commandsOf(id, asked)
		}
	}
	if problem != nil {
		if statusOf(problem) == http.StatusInternalServerError {
			return answer{}, problem
		}
		view.Problem = detailOf(problem)
	}
	return s.show(view, status)
}

// doSelect makes the selection that a form describes, and redirects to its page.
func (s server) doSelect(r *http.Request) (answer, error) {
	typed, err := postedForm(r, formFields)
	if err != nil {
		return answer{}, err
	}
	var asked api.SelectionRequest
	if asked, err = requestOf(formOf(typed)); err == nil {
		sel, made := s.subsets.Ask(r.Context(), r.PathValue("run"), asked.Request, asked.MaxFailed)
		if made == nil {
			s.logCall(r, "select", sel.Run)
			return seeOther(site.SelectionPath(sel.Run, sel.ID)), nil
		}
		err = made
	}
	return s.selectForm(r, typed, err, statusOf(err))
}

// postedForm returns the fields of a posted form. It refuses fields that are not known.
func postedForm(r *http.Request, known []string) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, api.NewProblem(http.StatusBadRequest, fmt.Sprintf("reading the form: %v", err))
	}
	if fault := checkNames(r.PostForm, known, "form field"); fault != "" {
		return nil, api.NewProblem(http.StatusBadRequest, fault)
	}
	return r.PostForm, nil
}

// formFields are the names of the fields of the form of a selection.
var formFields = []string{
	"budget", "strategy", "threshold", "source_cap", "image_cap", "cluster_cap", "template_cap", "max_failed", "unique",
}

// formOf returns the typed fields, without spaces around them.
func formOf(typed url.Values) site.Form {
	field := func(name string) string { return strings.TrimSpace(typed.Get(name)) }
	return site.Form{
		Budget: field("budget"), Strategy: field("strategy"), Threshold: field("threshold"), SourceCap: field("source_cap"),
		ImageCap: field("image_cap"), ClusterCap: field("cluster_cap"), TemplateCap: field("template_cap"),
		MaxFailed: field("max_failed"), Unique: field("unique") != "",
	}
}

// requestOf returns the request that a form describes. The error names each invalid field.
func requestOf(f site.Form) (asked api.SelectionRequest, err error) {
	var faults []error
	read := func(field, text string, parse func(string) error) {
		if text == "" {
			return
		}
		if err := parse(text); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", field, err))
		}
	}
	read("budget", f.Budget, func(text string) (err error) {
		asked.Budget, err = selection.ParseBudget(text)
		return err
	})
	read("rated above", f.Threshold, func(text string) (err error) {
		asked.Threshold, err = strconv.Atoi(text)
		return err
	})
	for _, c := range []struct {
		field, text string
		cap         *selection.Cap
	}{
		{"limit for a source", f.SourceCap, &asked.Caps.Source}, {"limit for an image", f.ImageCap, &asked.Caps.Image},
		{"limit for near duplicates", f.ClusterCap, &asked.Caps.Cluster},
		{"limit for a template", f.TemplateCap, &asked.Caps.Template},
	} {
		read(c.field, c.text, func(text string) error { return c.cap.UnmarshalText([]byte(text)) })
	}
	read("failed samples allowed", f.MaxFailed, func(text string) (err error) {
		asked.MaxFailed, err = run.ParseAllowance(text)
		return err
	})
	asked.Strategy, asked.Unique = selection.Strategy(f.Strategy), f.Unique
	if len(faults) > 0 {
		return asked, &run.RefusedError{Reason: errors.Join(faults...).Error()}
	}
	return asked, nil
}

// commandsOf returns a command line and an API request that make the selection. cli is empty if the service has no
// command line.
func (s server) commandsOf(id string, asked api.SelectionRequest) (cli, curl string, err error) {
	if s.commands.Select != nil {
		cli = s.commands.Select(id, asked)
	}
	body, err := json.Marshal(asked)
	return cli, report.SelectRequest(id, body), err
}
