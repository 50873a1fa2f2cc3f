// Package site makes the web pages of a running system: the list of runs, one run, its samples, one selection, and the
// form that makes a selection. The pages show only data of the API's answers.
package site

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
)

//go:embed *.html style.css script.js
var files embed.FS

// A Site renders pages.
type Site struct {
	templates     *template.Template
	style, script []byte
	// Policy is the content-security policy of all pages.
	Policy string
}

// New reads the templates.
func New() (*Site, error) {
	s := &Site{}
	own, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	s.style = page.Style(own)
	if s.script, err = files.ReadFile("script.js"); err != nil {
		return nil, err
	}
	s.Policy = page.SitePolicy(s.style, s.script)
	s.templates, err = template.New("").Funcs(functions()).ParseFS(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the web pages: %w", err)
	}
	return s, nil
}

// A View is the content of a page.
type View interface {
	template() string // name of its template file
	Title() string
}

// Render returns a page in UTF-8. Ages are computed from now.
func (s *Site) Render(view View, now time.Time) ([]byte, error) {
	var out bytes.Buffer
	err := s.templates.ExecuteTemplate(&out, view.template(), struct {
		View
		Style  template.CSS
		Script template.JS
		Now    time.Time
	}{view, template.CSS(s.style), template.JS(s.script), now})
	if err != nil {
		return nil, fmt.Errorf("writing the page %s: %w", view.template(), err)
	}
	return out.Bytes(), nil
}

// The paths of pages. The pages of a run are below /runs/, as its API calls are below /v1/runs/.
const (
	Home     = "/"
	RunsPath = "/runs"
)

func pagePath(path string) string { return strings.TrimPrefix(path, "/v1") }

// RunPath returns the path of the page of a run.
func RunPath(run string) string { return pagePath(api.RunPath(run)) }

// SelectPath returns the path of the form that makes a selection.
func SelectPath(run string) string { return RunPath(run) + "/select" }

// SelectionPath returns the path of the page of a selection.
func SelectionPath(run, selection string) string { return pagePath(api.SelectionPath(run, selection)) }

// SamplesPath returns the path of the page of a run's samples.
func SamplesPath(run string) string { return pagePath(api.SamplesPath(run)) }

// SamplePath returns the path of the page of one sample.
func SamplePath(run string, index int64) string {
	return pagePath(api.SamplePath(run, subset.IndexName(index)))
}

func functions() template.FuncMap {
	return template.FuncMap{
		"name": page.Name, "clip": page.Clip, "group": group, "percent": page.Percent, "decimal": page.Decimal,
		"runPath": RunPath, "selectPath": SelectPath, "selectionPath": SelectionPath, "samplesPath": SamplesPath,
		"samplePath": SamplePath, "age": age, "share": share, "imagePath": imagePath, "apiPath": api.RunPath,
		"phrase":       func(code any) string { return reason.Code(fmt.Sprint(code)).Phrase() },
		"meaning":      func(code any) string { return reason.Code(fmt.Sprint(code)).Meaning() },
		"docsPath":     func() string { return api.DocsPath },
		"apiSelection": api.SelectionPath, "codes": codes, "left": left, "progress": newProgress, "best": best,
		"duplicates":    func(size int) string { return page.Plural(size-1, "near duplicate") },
		"ratingFilters": ratingFilters, "statuses": statuses,
		"thresholds": func() []string { return []string{"1", "2", "3", "4"} },
		// The page does not load an image that made the sample fail.
		"imageFault": func(code reason.Code) bool { return code.Subject() == reason.Image },
		"deref":      func(pointer any) any { return reflect.Indirect(reflect.ValueOf(pointer)).Interface() },
	}
}

// group is page.Group for any integer type.
func group(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return page.Group(n), nil
	case int64:
		return page.Group(int(n)), nil
	}
	return "", fmt.Errorf("%T is not an integer", n)
}

// age returns the time from then to now, in words.
func age(now, then time.Time) string {
	if then.IsZero() {
		return "not known"
	}
	return duration(now.Sub(then)) + " ago"
}

// duration returns a time in words, in its largest unit.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.of); n > 0 {
			return page.Plural(n, unit.name)
		}
	}
	return page.Plural(max(int(d/time.Second), 0), "second")
}

// share returns a part of a whole, from 0 to 1.
func share(part, whole int64) float64 { return float64(part) / float64(max(whole, 1)) }

// A progress describes the progress of a run.
type progress struct {
	Done, Total, Rest int64
	Rate              float64 // mean number of samples a second since the run was accepted; 0 if not known
}

func newProgress(done, total int64, since, now time.Time) progress {
	p := progress{Done: done, Total: total, Rest: max(total-done, 0)}
	if seconds := now.Sub(since).Seconds(); !since.IsZero() && seconds >= 1 {
		p.Rate = float64(done) / seconds
	}
	return p
}

// bestShown is the largest number of ratings of a sample in a list.
const bestShown = 3

// best returns the highest ratings of a sample, without ratings of 0.
func best(rated []subset.Rated) []subset.Rated {
	var some []subset.Rated
	for _, r := range rated {
		if r.Rating != nil && *r.Rating > 0 {
			some = append(some, r)
		}
	}
	slices.SortStableFunc(some, func(a, b subset.Rated) int { return int(*b.Rating) - int(*a.Rating) })
	return some[:min(len(some), bestShown)]
}

// ratingFilters returns filters by a capability, with their labels.
func ratingFilters(capability string) [][2]string {
	var all [][2]string
	for _, f := range [][2]string{
		{"=5", "5"}, {">=4", "4 or more"}, {">=3", "3 or more"}, {">=1", "1 or more"}, {"=0", "0"}, {"=none", "not rated"},
	} {
		all = append(all, [2]string{"rating." + capability + f[0], f[1]})
	}
	return all
}

// statuses returns the values of the status filter, with a selection or without one.
func statuses(selection string) []string {
	all := []string{scores.OK.String(), scores.Failed.String(), scores.Skipped.String()}
	if selection != "" {
		all = append([]string{browse.Selected, browse.Left}, all...)
	}
	return all
}

// left returns the time for the remaining samples at a rate, in words.
func left(rest int64, perSecond float64) string {
	if perSecond <= 0 {
		return "not known"
	}
	return duration(time.Duration(float64(rest) / perSecond * float64(time.Second)))
}

func imagePath(run string, index int64, number, width int) string {
	return api.ImagePath(run, subset.IndexName(index), number, width)
}
