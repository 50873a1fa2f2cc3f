package site

import (
	"cmp"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Runs is the first page.
type Runs struct {
	*api.RunList
	First bool // the list begins with the latest run
}

func (Runs) template() string { return "runs.html" }

// Title implements View.
func (Runs) Title() string { return "Runs" }

// Live reports whether the page may change without an action of the user.
func (v Runs) Live() bool {
	return len(v.Runs) == 0 || slices.ContainsFunc(v.Runs, func(r api.RunEntry) bool { return live(r.State) })
}

// Next returns the query of the next page; empty after the last page.
func (v Runs) Next() string {
	if v.NextPageToken == "" {
		return ""
	}
	return api.Page{Token: v.NextPageToken}.Query()
}

func live(state string) bool {
	return slices.Contains([]string{
		run.StatePlanning, run.StateScoring, run.StateAwaitingApproval, run.StateStalled,
	}, state)
}

// Run is the page of a run.
type Run struct {
	*subset.RunStatus
	List *api.SelectionList
	More bool // the run has selections that List lacks
}

func (Run) template() string { return "run.html" }

// Title implements View.
func (v Run) Title() string { return "Run " + v.Run() }

// Run returns the run's id.
func (v Run) Run() string { return v.RunStatus.Run }

// Live reports whether the page may change without an action of the user.
func (v Run) Live() bool {
	return live(v.State) ||
		slices.ContainsFunc(v.List.Selections, func(s api.SelectionEntry) bool { return s.State == api.Writing })
}

// Verbs returns the calls that the run accepts in its state, with their labels.
func (v Run) Verbs() [][2]string {
	switch v.State {
	case run.StateAwaitingApproval:
		return [][2]string{{"approve", "Approve the cost"}, {"cancel", "Cancel the run"}}
	case run.StateStalled:
		return [][2]string{{"resume", "Resume the run"}, {"cancel", "Cancel the run"}}
	case run.StatePlanning, run.StateScoring:
		return [][2]string{{"cancel", "Cancel the run"}}
	}
	var verbs [][2]string
	if v.IsScored() && v.Samples.Failed > 0 {
		verbs = append(verbs, [2]string{"retry", "Retry the failed samples"})
	}
	if v.IsScored() && v.Clusters != subset.ClustersSearched && v.Clusters != subset.ClustersFound {
		verbs = append(verbs, [2]string{"cluster", "Find near duplicates"})
	}
	return verbs
}

// codes returns the codes of counts, the most frequent first.
func codes(counts map[reason.Code]int64) []reason.Code {
	return slices.SortedFunc(maps.Keys(counts), func(a, b reason.Code) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// A Form has the typed values of the form of a selection.
type Form struct {
	Budget, Strategy, Threshold, SourceCap, ImageCap, ClusterCap, TemplateCap, MaxFailed string
	Unique                                                                               bool
}

// Select is the form that makes a selection, with a preview of it.
type Select struct {
	RunID, Dataset string
	Form           Form
	Preview        *subset.Preview // nil before a budget is given, and if there is a problem
	Problem        string
	CLI, Curl      string // commands that make an equal selection; empty if there is no command
}

func (Select) template() string { return "select.html" }

// Title implements View.
func (Select) Title() string { return "Make a selection" }

// Strategies returns the values of a field of the form, with their meanings.
func (Select) Strategies() [][2]string {
	return [][2]string{
		{"", "mmssr: each capability in turn, from all bins"}, {"descending", "descending: highest ratings first, in turn"},
		{"top", "top: highest sum of ratings first"}, {"stratified", "stratified: at random, by source"},
		{"random", "random: at random"},
	}
}

// Selection is the page of a selection.
type Selection struct {
	*api.SelectionStatus
}

func (Selection) template() string { return "selection.html" }

// Title implements View.
func (v Selection) Title() string { return "Selection " + v.ID }

// Live reports whether the selection is being written.
func (v Selection) Live() bool { return v.State == api.Writing }

// aboutOutputs describes each output.
var aboutOutputs = map[string]string{
	"subset":    "the selected records, unchanged",
	"rejected":  "the other records, each with its reason",
	"near":      "matches of samples with evaluation sets",
	"clusters":  "the left-out near duplicates",
	"picks":     "the selected samples in the order of picking, with the rule that picked each (Parquet)",
	"selection": "parameters, counts and figures (JSON)",
	"report":    "a description of the selection, as one file",
}

// Downloads returns the outputs, with descriptions.
func (v Selection) Downloads() (all [][2]string) {
	for _, o := range v.Outputs.Named() {
		if o.Object != "" {
			all = append(all, [2]string{o.Name, aboutOutputs[o.Name]})
		}
	}
	return all
}

// Sample is the page of one sample.
type Sample struct {
	RunID string
	*subset.Shown
	Turns []Turn
	Count int // number of the sample's images, including images that were not read
	Why   []subset.Explanation
	// Selections are the ids of the selections of Why, in the same order.
	Selections []string
	// Duplicates are some near duplicates of the sample.
	Duplicates []subset.Duplicate
}

// A Turn is one turn of a conversation.
type Turn struct{ Role, Text string }

// maxTurn is the largest size of a turn, in bytes of HTML.
const maxTurn = 20_000

// NewTurns returns the turns of a sample.
func NewTurns(sample *dataset.Sample) (turns []Turn) {
	for _, t := range sample.Turns {
		turns = append(turns, Turn{page.Clip(string(t.Role), 20), page.Clip(turnText(t, true), maxTurn)})
	}
	return turns
}

// turnText returns the text of a turn. If places is true, it marks the places of images.
func turnText(turn dataset.Turn, places bool) (text string) {
	for _, s := range turn.Segments {
		if s.Image > 0 && places {
			text += "[image " + page.Group(s.Image) + "] "
		}
		text += s.Text
	}
	return text
}

func (Sample) template() string { return "sample.html" }

// Title implements View.
func (v Sample) Title() string { return "Sample " + page.Name(v.ID) }

// Numbers returns the numbers of the shown images.
func (v Sample) Numbers() (numbers []int) {
	for i := range min(v.Count, 16) {
		numbers = append(numbers, i+1)
	}
	return numbers
}

// Problem is the page of an error.
type Problem struct{ *api.Problem }

func (Problem) template() string { return "problem.html" }

// Title implements View.
func (v Problem) Title() string { return v.Problem.Title }
