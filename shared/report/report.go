// Package report writes report.html, which describes a selection in one file. A browser can show it without a network.
//
// A report has counts from one pass over the run's pool, and at most 300 samples with their pictures. So its size does
// not grow with the run.
package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/memory"
	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// maxBytes is the largest report in bytes. A larger report would be hard to open in a browser.
const maxBytes = 2_900_000

// A Config has the dependencies of a Writer.
type Config struct {
	Runs     *run.Reader
	Images   Opener
	Memory   *memory.Budget // budget of the process
	Commands Commands
}

// A Writer writes reports of the selections of a work bucket. It is a subset.Reporter.
type Writer struct{ c Config }

// New returns a Writer. It returns an error if a dependency is missing.
func New(c Config) (*Writer, error) {
	if c.Runs == nil || c.Images == nil || c.Memory == nil || c.Commands.Retry == nil {
		return nil, errors.New("making a report.Writer: the reader of runs, the opener of images, the memory budget or " +
			"the command to retry is missing")
	}
	return &Writer{c}, nil
}

// Commands has functions that return the commands in a report.
type Commands struct {
	// Select returns the command that makes a selection of a run. If it is nil, reports show only the API request.
	Select func(runID string, request api.SelectionRequest) string
	Retry  func(runID string) string // returns the command that retries the failed samples of a run
	// Manifests returns the files of this machine that a user gave as the manifests of a run, by their names in the input
	// bucket. If it is nil, or has no file for a manifest, reports show the name in the bucket.
	Manifests func(runID string) map[string]string
	// Program is the version of the program that writes the report.
	Program string
}

// APICommands returns the commands for a deployment that has only an API.
func APICommands(program string) Commands {
	return Commands{
		Retry: func(runID string) string {
			return fmt.Sprintf("curl -X POST \"$HARVEST%s:retry\"", api.RunPath(runID))
		},
		Program: program,
	}
}

// WriteReport writes the report of a selection. The selection must have samples. Equal selections, images, commands and
// programs give equal bytes. WriteReport needs the memory of the run's pool and some megabytes.
func (w *Writer) WriteReport(
	ctx context.Context, out io.Writer, subsets *subset.Reader, sel *subset.Selection,
) error {
	status, err := w.c.Runs.Status(ctx, sel.Run)
	if err != nil {
		return err
	}
	accepted, err := subsets.Accepted(ctx, sel.Run, sel.ID)
	if err != nil {
		return err
	}
	var m *Model
	var plan *run.Plan
	err = subsets.Repeat(ctx, sel.Run, sel.ID, func(o *subset.Outcome) (err error) {
		plan = o.Plan
		m, err = newModel(o, status, accepted, w.c.Commands, func(indexes []uint32) ([]subset.Explanation, error) {
			return subsets.ExplainAt(ctx, o, indexes)
		})
		if err != nil {
			return err
		}
		sure, err := w.sureness(ctx, o)
		m.Figures = append(m.Figures, surenessFigures(sure)...)
		return err
	})
	if err == nil {
		m.Copies, err = newCopies(sel, func(use func(subset.NearLine) error) error {
			return subsets.EachNear(ctx, sel, use)
		})
	}
	if err != nil {
		return fmt.Errorf("describing selection %s of run %s: %w", sel.ID, sel.Run, err)
	}
	return w.finish(ctx, out, subsets, plan, m)
}

// finish adds conversations and pictures to a report, and writes it.
func (w *Writer) finish(
	ctx context.Context, out io.Writer, subsets *subset.Reader, plan *run.Plan, m *Model,
) error {
	pictures, err := w.c.Images(ctx, plan)
	if err != nil {
		return err
	}
	defer func() { _ = pictures.Close() }() // all images are read by then, so an error does not matter
	a := newAlbum(w.c, subsets, pictures, plan.Options.Images)
	if err := a.fill(ctx, plan, m.Gallery); err != nil {
		return fmt.Errorf("reading the samples of a report: %w", err)
	}
	var without bytes.Buffer // the page without pictures, to find the number of bytes left for pictures
	if err := m.write(&without); err != nil {
		return err
	}
	m.Gallery.place(a.shown, a.pictures, maxBytes-without.Len())
	return m.write(out)
}

// A Model is the content of a report.
type Model struct {
	Dataset, Selection string
	Title              string // kind of the page
	Comparison         bool   // the page compares two selections: it has no commands and no problems
	Facts              [][2]string
	Counts             [][3]string // numbers of samples: kind, number, share
	Sentences          []string
	Select, Curl       string // commands that make the selection again; empty without a command
	Figures            []*Figure
	Trade              *Trade  // nil if other rules were not compared
	Copies             *Copies // nil if no search for copies was requested
	Reach              *Reach  // nil if distances are not known
	Shortfalls         *Table  // nil without shortfalls
	MoreShortfalls     int
	Gallery            *Gallery
	Problems           []Problem
	Retry              string // command; empty if no sample failed
}

// A Problem is a reason why samples were not scored.
type Problem struct {
	Phrase, Code, Meaning, Fix string
	Samples                    int64
	Example, Place             string
}

func newModel(
	o *subset.Outcome, status *run.Status, accepted time.Time, commands Commands, explain explainer,
) (*Model, error) {
	t := newTally(o)
	reasons := o.Pool.Reasons(o.Params, o.Result)
	chosen, err := choose(o, t, reasons, explain)
	if err != nil {
		return nil, err
	}
	sel := o.Selection
	m := &Model{
		Dataset: webpage.Name(sel.Dataset), Selection: sel.ID, Title: "what was selected",
		Facts: facts(o, status, accepted, commands), Counts: counts(o, status),
		Figures: slices.Concat(
			[]*Figure{
				capabilityFigure(sel.Summary), ratingFigure(sel.Summary), takenFigure(sel.Summary),
				carrierFigure(t, o.Pool.Pool), sourceFigure(t, o), binFigure(t, o),
			},
			orderFigures(o), shapeFigures(sel.Summary), templateFigures(sel.Summary),
			[]*Figure{budgetFigure(t, o)}, lengthFigures(t, o),
			[]*Figure{reasonFigure(o, reasons)},
		),
		Trade: newTrade(o, status, commands), Problems: problems(status), Reach: newReach(o.Selection.Reach),
	}
	if commands.Select != nil {
		m.Select = webpage.Clip(commands.Select(o.Plan.Run, asked(o, status)), maxCommand)
	}
	m.Sentences = sentences(o, t, status)
	if rows := o.Result.Shortfalls; len(rows) > 0 {
		table := shortfalls(rows)
		m.Shortfalls, m.MoreShortfalls = &table, len(rows)-len(table.Rows)
	}
	if status.Samples.Failed+status.Samples.Skipped > 0 {
		m.Retry = commands.Retry(o.Plan.Run)
	}
	if m.Curl, err = curl(o, status); err != nil {
		return nil, err
	}
	m.Gallery, err = newGallery(o, chosen, explain)
	return m, err
}

// facts returns the names and the values of the facts about a selection.
func facts(o *subset.Outcome, status *run.Status, accepted time.Time, commands Commands) [][2]string {
	sel := o.Selection
	var files map[string]string
	if commands.Manifests != nil {
		files = commands.Manifests(sel.Run)
	}
	var manifests []string
	for _, m := range sel.Manifests {
		manifests = append(manifests, cmp.Or(files[m.Name], m.Name))
	}
	made := "not known"
	if !accepted.IsZero() {
		made = accepted.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return [][2]string{
		{"Dataset", webpage.Name(sel.Dataset)},
		{"Manifests", listed(manifests)},
		{"Budget", budgetOf(sel)},
		{"Selection", sel.ID + ", of run " + sel.Run},
		{"Made", made},
		{"Scorer", webpage.Name(status.Scorer) + ", id " + status.ScorerID},
		{"Rubric", fmt.Sprintf("%s, %d capabilities, %d styles", sel.Rubric, len(o.Pool.Pool.Capabilities),
			len(o.Plan.Rubric.Styles))},
		{"Versions", fmt.Sprintf("algorithm %s, layout %d, reading %d, program %s", sel.Algorithm, o.Plan.Layout,
			o.Plan.Reading, commands.Program)},
	}
}

// budgetOf formats the budget of a selection with its unit.
func budgetOf(sel *subset.Selection) string {
	unit := "sample"
	if sel.Parameters.InTokens {
		unit = "token"
	}
	return webpage.Plural(sel.Parameters.Budget, unit)
}

// counts returns the numbers of all samples, by kind.
func counts(o *subset.Outcome, status *run.Status) [][3]string {
	line := func(what string, n int64) [3]string {
		return [3]string{what, webpage.Group(int(n)), webpage.Percent(ratio(int(n), int(status.Samples.In)))}
	}
	lines := [][3]string{
		line("in the dataset", status.Samples.In), line("scored", status.Samples.Scored),
		line("failed", status.Samples.Failed), line("skipped", status.Samples.Skipped),
		line("selected", int64(o.Selection.Selected)),
	}
	if tokens := tokensOf(o.Pool.Pool); tokens > 0 {
		chosen := o.Selection.Summary.Selection.Tokens
		lines = append(lines, [3]string{
			"tokens selected (estimate)", webpage.Group(chosen), webpage.Percent(ratio(chosen, tokens)),
		})
	}
	return lines
}

// asked returns a request that makes an equal selection.
func asked(o *subset.Outcome, status *run.Status) api.SelectionRequest {
	return api.SelectionRequest{
		Request: o.Selection.Parameters.AsRequest(o.Plan.Rubric.Capabilities), MaxFailed: status.NeededAllowance(),
	}
}

// curl returns a command that makes an equal selection by the API; empty if the request is too long to show.
func curl(o *subset.Outcome, status *run.Status) (string, error) {
	body, err := json.Marshal(asked(o, status))
	if err != nil {
		return "", err
	}
	if webpage.Clip(string(body), maxCommand) != string(body) { // a shortened list of ids would not be an equal request
		return "", nil
	}
	return SelectRequest(o.Plan.Run, body), nil
}

// SelectRequest returns a command that makes a selection of a run by the API. body is the JSON of the request.
func SelectRequest(runID string, body []byte) string {
	return fmt.Sprintf("curl -X POST -H 'Content-Type: application/json' -d %s \"$HARVEST%s\"",
		spelling.ShellWord(string(body)), api.SelectionsPath(runID))
}

// problems returns the reasons why samples were not scored, the most frequent first.
func problems(status *run.Status) (list []Problem) {
	fixes := map[reason.Subject]string{
		reason.Record: "fix the record, then upload the dataset again",
		reason.Image:  "add or replace the image, then retry the run",
		reason.Scorer: "retry the run, or choose another model or scorer",
	}
	rest := maps.Clone(status.Reasons)
	for len(rest) > 0 {
		code := reason.MostFrequent(rest)
		example := status.Examples[code]
		list = append(list, Problem{
			Phrase: code.Phrase(), Code: string(code), Meaning: code.Meaning(), Fix: fixes[code.Subject()],
			Samples: rest[code], Example: webpage.Clip(example.ID+": "+example.Reason, maxWhy),
			Place: webpage.Clip(example.Place.String(), maxWhy),
		})
		delete(rest, code)
	}
	return list
}
