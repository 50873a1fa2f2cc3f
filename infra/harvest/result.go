package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// A result is the final report of curate and select. --json prints this object.
type result struct {
	Samples   events.Counts `json:"samples"`
	TakenOver int64         `json:"taken_over,omitempty"` // number of scores that come from an earlier run
	Selected  int           `json:"selected"`
	// Shortfall is the part of the budget that could not be filled, in the budget's unit: samples or tokens.
	Shortfall int                `json:"shortfall"`
	Run       string             `json:"run"`
	Selection string             `json:"selection"`
	Outputs   outputFiles        `json:"outputs"`
	Seconds   map[string]float64 `json:"seconds"` // seconds of each stage
	// Nested are the results of the smaller budgets, the smallest first. The selection of this result contains their
	// selections.
	Nested []*result `json:"nested,omitempty"`
	// Problem is the reason why nothing was selected, and the fix.
	Problem string `json:"problem,omitempty"`
	// Trial describes a run on a part of the dataset; nil if the run has the whole dataset.
	Trial *trial `json:"trial,omitempty"`
	// Teacher is the lesson that the embedded scorer learned before it rated the dataset; nil without --teacher.
	Teacher *lesson `json:"teacher,omitempty"`

	state     string // value of --state
	input     *input // place of the dataset; nil for a run of serve
	status    *subset.RunStatus
	selection *subset.Selection
	files     typedFiles // files that the flags name
}

// taughtBy sets the lesson that was learned before the run. l is nil if there was no lesson. If r is nil, taughtBy does
// nothing.
func (r *result) taughtBy(l *lesson) *result {
	if r != nil {
		r.Teacher = l
	}
	return r
}

// A failure is the error of a run or a selection without samples. The result shows the state that the run or selection
// reached.
type failure struct{ problem string }

func (f *failure) Error() string { return f.problem }

// score waits until the run is scored.
func (r *result) score(ctx context.Context, s session) (err error) {
	r.status, err = s.score(ctx, r.Run, r.Seconds)
	if stalled, ok := errors.AsType[*stalledError](err); ok {
		stalled.state = r.state
	}
	if err != nil {
		return err
	}
	r.Samples, r.TakenOver = r.status.Samples, r.status.TakenOver
	r.Trial = newTrial(r.status)
	return nil
}

// fulfil makes and writes the nested selections of an order. If the run has failed or nothing can be selected, the
// error is a *failure.
func (r *result) fulfil(ctx context.Context, s session, o order) error {
	if err := r.choose(ctx, s, o); err != nil {
		return err
	}
	return r.write(ctx, s, o)
}

// choose makes the selections of an order. If the run has failed or nothing can be selected, it writes the reason of
// every sample to the order's folder. Otherwise it writes no file.
func (r *result) choose(ctx context.Context, s session, o order) error {
	r.files = o.files
	if problem := r.failure(o.MaxFailed); problem != "" {
		return r.failRun(ctx, s, o, problem)
	}
	// Make the largest first: its request has the errors of all others, so an error is reported before any selection is
	// made.
	for i, request := range slices.Backward(o.Requests) {
		one := r
		if i < len(o.Requests)-1 {
			one = &result{
				Samples: r.Samples, Run: r.Run, Seconds: map[string]float64{}, status: r.status, state: r.state,
				input: r.input, files: r.files,
			}
			r.Nested = slices.Insert(r.Nested, 0, one)
		}
		if err := one.chooseOne(ctx, s, o, request); err != nil {
			return err
		}
	}
	return nil
}

// failure returns the reason why nothing is selected from the run with this allowance, or the run's if it is zero.
func (r *result) failure(allowed run.Allowance) string {
	if allowed.IsZero() {
		return r.status.Problem
	}
	return r.status.Failure(allowed)
}

// write writes the selections of an order to their folders. If there are several, it locks their parent folder, too.
func (r *result) write(ctx context.Context, s session, o order) error {
	folders := o.folders()
	if o.Out != "" && len(folders) > 0 {
		unlock, err := lockPrepared(ctx, o.Out, s.show.notes(), r.prepare(o.Out))
		if err != nil {
			return err
		}
		defer unlock()
	}
	for i, one := range append(slices.Clone(r.Nested), r) {
		if err := one.writeOne(ctx, s, o, o.Requests[i]); err != nil {
			return err
		}
	}
	if o.Out != "" && len(folders) > 0 {
		if err := replaceExport(o.Out, s.show.notes()); err != nil {
			return err
		}
		return keepOnly(ctx, o.Out, folders, s.show.notes())
	}
	return nil
}

// chooseOne makes one of an order's selections.
func (r *result) chooseOne(ctx context.Context, s session, o order, request selection.Request) (err error) {
	asked := api.SelectionRequest{Request: request, MaxFailed: o.MaxFailed}
	if r.selection, err = s.choose(ctx, r.Run, asked, r.Seconds); err != nil {
		return err
	}
	r.Selected, r.Shortfall, r.Selection = r.selection.Selected, r.selection.Shortfall, r.selection.ID
	if r.Selected > 0 {
		return nil
	}
	dir := cmp.Or(o.folder(request), defaultOut(r.selection))
	if r.Outputs.Outputs, err = writeRejected(ctx, s, r.Run, r.Selection, dir, r.prepare(dir)); err != nil {
		return err
	}
	r.Problem = fmt.Sprintf("%v; the reason of every sample is in %s%s",
		byFlags(errors.New(r.selection.Problem)), r.Outputs.Rejected, keptNote(dir))
	return &failure{r.Problem}
}

// writeOne copies the outputs of one of an order's selections to a folder.
func (r *result) writeOne(ctx context.Context, s session, o order, request selection.Request) (err error) {
	dir := cmp.Or(o.folder(request), defaultOut(r.selection))
	folder := outputFolder{
		subsets: s.Subsets, selection: r.selection, input: r.input, format: o.Format, notes: s.show.notes(),
		prepare: r.prepare(dir),
	}
	if r.input != nil {
		if folder.place, err = r.input.imagesPlace(); err != nil {
			return err
		}
	}
	if !o.Report.None {
		folder.report = func(w io.Writer) error { return r.copyReport(ctx, s, o, w) }
		folder.makes = o.Report.NoPictures
	}
	r.Outputs, err = folder.write(ctx, dir)
	return err
}

// report prints a result, also after a failure. It returns the error of the work.
func (r *result) report(cmd *cobra.Command, asJSON bool, worked error) error {
	stalled, _ := errors.AsType[*stalledError](worked)
	if _, failed := errors.AsType[*failure](worked); worked != nil && !failed && (stalled == nil || !asJSON) {
		return worked
	}
	if stalled != nil {
		r.Samples, r.Problem = stalled.status.Samples, stalled.Error()
	}
	if err := r.print(cmd.OutOrStdout(), asJSON); err != nil {
		return err
	}
	if worked != nil {
		return worked
	}
	for _, one := range append(slices.Clone(r.Nested), r) {
		warnOfShortfall(cmd.ErrOrStderr(), one.selection.Parameters, one.Shortfall, one.selection.Shortfalls)
		warnOfTemplates(cmd.ErrOrStderr(), one.selection.Summary.Templates)
		warnOfEvaluations(cmd.ErrOrStderr(), one.selection.Evaluations)
		warnOfNumbers(cmd.ErrOrStderr(), one.selection.Numbers, one.selection.Total)
	}
	if hint := r.retryHint(); hint != "" && asJSON {
		fmt.Fprintln(cmd.ErrOrStderr(), "harvest: warning:", hint)
	}
	return nil
}

// retryHint returns advice about the samples that failed; empty if no sample failed.
func (r *result) retryHint() string {
	if r.Samples.Failed == 0 {
		return ""
	}
	var of [reason.Selection + 1]bool
	for code := range r.status.Reasons {
		of[code.Subject()] = true
	}
	var next []string
	if of[reason.Record] {
		next = append(next, "fix the records, then repeat the command")
	}
	if of[reason.Image] {
		next = append(next, imageFixes(r.status.Reasons)+", then type "+r.command("retry"))
	}
	if of[reason.Scorer] {
		next = append(next, r.command("retry")+" rates again the samples that the scorer failed to rate, or choose "+
			"another model")
	}
	return fmt.Sprintf("%d of %s failed, and have no scores; %s",
		r.Samples.Failed, number(int(r.Samples.In), "sample"), strings.Join(next, "; "))
}

// print prints the selections of smaller budgets first.
func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return api.EncodeJSON(w, r)
	}
	for _, smaller := range r.Nested {
		if err := smaller.print(w, false); err != nil {
			return err
		}
	}
	if r.Trial != nil {
		if err := r.Trial.print(w); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", r.sampleTable().Render()); err != nil {
		return err
	}
	if r.selection != nil {
		if err := r.printEvaluations(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "form: %s\n", formsOf(r.selection.Manifests)); err != nil {
			return err
		}
	}
	if r.Problem != "" {
		return nil
	}
	if err := printSummary(w, r.selection.Summary); err != nil {
		return err
	}
	if err := printReach(w, r.selection.Reach, "samples", "selection.json"); err != nil {
		return err
	}
	if err := printTemplates(w, r.selection.Summary.Templates); err != nil {
		return err
	}
	if err := printShortfalls(w, r.selection.Shortfall, r.selection.Shortfalls); err != nil {
		return err
	}
	request := r.selection.Parameters.AsRequest(r.selection.Summary.Capabilities())
	if err := printTrade(w, r.selection.Trade, request, r.anotherSelection(), r.files); err != nil {
		return err
	}
	if hint := r.retryHint(); hint != "" {
		if _, err := fmt.Fprintf(w, "\n%s\n", folded(hint, "")); err != nil {
			return err
		}
	}
	return r.printFiles(w)
}

// printFiles prints the files, and the next commands.
func (r *result) printFiles(w io.Writer) error {
	var text strings.Builder
	out := r.Outputs
	for _, line := range []struct{ name, value, note string }{
		{"run", r.Run, ""}, {"selection", r.Selection, ""}, {"subset", out.Subset, ""}, {"images", out.Images, ""},
		{"rejected", out.Rejected, ""}, {"near", out.Near, ""}, {"clusters", out.Clusters, ""}, {"picks", out.Picks, ""},
		{"scores", out.Scores, ""}, {"details", out.Selection, ""}, {"report", out.Report, " (open it in a browser)"},
	} {
		if line.value != "" {
			fmt.Fprintf(&text, "%-10s %s%s\n", line.name, line.value, line.note)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s", &text, r.next())
	return err
}

// sampleTable returns a table that counts every sample once.
func (r *result) sampleTable() table.Writer {
	t := newTable("samples", "count", "share")
	row := func(name string, n int64) {
		t.AppendRow(table.Row{name, n, fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(r.Samples.In, 1)))})
	}
	row("in", r.Samples.In)
	row("scored", r.Samples.Scored)
	if r.status.TakenOver > 0 {
		row("  taken over", r.status.TakenOver)
	}
	reasons := func() {
		for _, code := range slices.Sorted(maps.Keys(r.status.Reasons)) {
			row("  "+code.Phrase(), r.status.Reasons[code])
		}
	}
	row("failed", r.Samples.Failed)
	if r.Samples.Skipped == 0 { // else the reasons are those of both
		reasons()
	}
	row("skipped", r.Samples.Skipped)
	if r.Samples.Skipped > 0 {
		reasons()
	}
	t.AppendSeparator()
	row("selected", int64(r.Selected))
	return t
}
