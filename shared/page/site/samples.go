package site

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Samples is a page of the samples of a run.
type Samples struct {
	RunID string
	*api.SamplePage
	Filters      []string // of the list, in the form of the API
	Selection    string
	Capabilities []string
	Styles       []string
	Reasons      []reason.Code
	Columns      []string // numeric columns, as in SamplePage
	// Clusters and ClustersProblem are the fields of a subset.RunStatus.
	Clusters, ClustersProblem string
	Choices                   []api.SelectionEntry // selections to which filters may refer
	Problem                   string               // the reason why no samples are listed; empty if there is none
	// Of has the excerpts of the page's samples, by index.
	Of map[int64]Excerpt
	// Token is the page's own token; empty for the first page.
	Token string
}

// An Excerpt is the beginning of a sample.
type Excerpt struct {
	Text   string
	Images int
}

// maxExcerpt is the largest size of the text of a sample in a list, in bytes of HTML.
const maxExcerpt = 220

// NewExcerpt returns the beginning of the first turn of a sample.
func NewExcerpt(sample *dataset.Sample) Excerpt {
	e := Excerpt{Images: len(sample.Images)}
	if len(sample.Turns) > 0 {
		e.Text = page.Clip(strings.TrimSpace(turnText(sample.Turns[0], false)), maxExcerpt)
	}
	return e
}

func (Samples) template() string { return "samples.html" }

// Title implements View.
func (Samples) Title() string { return "Samples" }

// Has reports whether the list has a filter.
func (v Samples) Has(filter string) bool { return slices.Contains(v.Filters, filter) }

// Others returns the filters that no field of the form shows, such as a second filter by a rating.
func (v Samples) Others() []string {
	var ratings, styles, states, reasons, sizes []string
	for _, c := range v.Capabilities {
		for _, f := range ratingFilters(c) {
			ratings = append(ratings, f[0])
		}
	}
	for _, s := range v.Styles {
		styles = append(styles, "style="+s)
	}
	for _, s := range statuses(v.Selection) {
		states = append(states, "status="+s)
	}
	for _, r := range v.Reasons {
		reasons = append(reasons, "reason="+string(r))
	}
	shown := []string{"source=" + v.Valued("source=")}
	if v.Clusters == subset.ClustersFound {
		shown = append(shown, "cluster="+v.Valued("cluster="))
		for _, f := range v.ClusterSizes() {
			sizes = append(sizes, f[0])
		}
	}
	for _, options := range [][]string{ratings, styles, states, reasons, sizes} {
		for _, option := range slices.Backward(options) { // browsers show the last selected option
			if v.Has(option) {
				shown = append(shown, option)
				break
			}
		}
	}
	for _, f := range slices.Backward(v.Filters) {
		if v.isNumber(f) {
			shown = append(shown, f)
			break
		}
	}
	return slices.DeleteFunc(slices.Clone(v.Filters), func(f string) bool { return slices.Contains(shown, f) })
}

// Valued returns the rest of the list's filter that begins with a text such as "source="; empty if there is no such
// filter.
func (v Samples) Valued(begin string) string {
	for _, f := range v.Filters {
		if len(f) > len(begin) && f[:len(begin)] == begin {
			return f[len(begin):]
		}
	}
	return ""
}

// Operators returns the operators of conditions on numbers.
func (Samples) Operators() []string { return []string{">=", "<=", ">", "<", "==", "!="} }

// Number returns the condition of the list on a column of numbers, as people type it; empty texts if there is no
// condition.
func (v Samples) Number() (typed struct{ Column, Operator, Value string }) {
	for _, f := range v.Filters {
		if c, err := selection.ParseCondition(f); err == nil && v.isNumber(f) {
			typed.Column, typed.Operator = c.Column, c.Operator
			typed.Value = strconv.FormatFloat(c.Value, 'g', -1, 64)
		}
	}
	return typed
}

// isNumber reports whether a filter is a condition on a column of numbers.
func (v Samples) isNumber(filter string) bool {
	c, err := selection.ParseCondition(filter)
	return err == nil && slices.Contains(v.Columns, c.Column)
}

// Matching returns the number of samples of the list, in words.
func (v Samples) Matching() string {
	if v.More {
		return page.Group(browse.MostCounted) + "+ samples"
	}
	return page.Plural(v.Matched, "sample")
}

// query returns the query of a page of the list.
func (v Samples) query(token string) string {
	values := url.Values{"filter": v.Filters}
	if v.Selection != "" {
		values.Set("selection", v.Selection)
	}
	if token != "" {
		values.Set("page_token", token)
	}
	return "?" + values.Encode()
}

// Live reports whether the page may change without an action of the user.
func (v Samples) Live() bool { return v.Clusters == subset.ClustersSearched }

// ClusterSizes returns filters by the number of near duplicates, with their labels.
func (Samples) ClusterSizes() [][2]string {
	return [][2]string{
		{"cluster_size>=2", "1 or more"}, {"cluster_size>=3", "2 or more"},
		{"cluster_size>=10", "9 or more"}, {"cluster_size=1", "none"},
	}
}

// First returns the query of the first page.
func (v Samples) First() string { return v.query("") }

// Next returns the query of the next page; empty after the last page.
func (v Samples) Next() string {
	if v.SamplePage == nil || v.NextPageToken == "" {
		return ""
	}
	return v.query(v.NextPageToken)
}
