package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
)

// A result is what curate and select report at the end: with --json, as this object.
type result struct {
	Samples   events.Counts      `json:"samples"`
	Selected  int                `json:"selected"`
	Run       string             `json:"run"`
	Selection string             `json:"selection"`
	Outputs   subset.Outputs     `json:"outputs"` // paths of files
	Seconds   map[string]float64 `json:"seconds"` // by stage
	// Nested are the selections of smaller budgets, the smallest first, that this one contains.
	Nested []*result `json:"nested,omitempty"`

	status    *subset.RunStatus
	selection *subset.Selection
}

// score waits until the run is scored.
func (r *result) score(ctx context.Context, s session) (err error) {
	if r.status, err = s.score(ctx, r.Run, r.Seconds); err != nil {
		return err
	}
	r.Samples = r.status.Samples
	return nil
}

// chooseAll makes nested selections. Several have folders of their own below dir, named by their size.
func (r *result) chooseAll(
	ctx context.Context, s session, requests []selection.Request, work bucket.Reader, dir string,
) error {
	if len(requests) == 1 {
		return r.choose(ctx, s, requests[0], work, dir)
	}
	// The largest first: a fault of any of them is one of it too, and is reported before anything is made.
	for i, request := range slices.Backward(requests) {
		one := r
		if i < len(requests)-1 {
			one = &result{Samples: r.Samples, Run: r.Run, Seconds: map[string]float64{}, status: r.status}
			r.Nested = slices.Insert(r.Nested, 0, one)
		}
		below := dir
		if dir != "" {
			below = filepath.Join(dir, request.Budget.String())
		}
		if err := one.choose(ctx, s, request, work, below); err != nil {
			return err
		}
	}
	return nil
}

// choose makes a selection and copies its outputs to a folder.
func (r *result) choose(
	ctx context.Context, s session, request selection.Request, work bucket.Reader, dir string,
) (err error) {
	if r.selection, err = s.choose(ctx, r.Run, request, r.Seconds); err != nil {
		return err
	}
	r.Selected, r.Selection = r.selection.Selected, r.selection.ID
	if dir == "" {
		dir = defaultOut(r.selection)
	}
	r.Outputs, err = copyOutputs(ctx, work, r.selection.Outputs, dir)
	return err
}

// print prints the selections of smaller budgets first.
func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	for _, smaller := range r.Nested {
		if err := smaller.print(w, false); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", r.sampleTable().Render()); err != nil {
		return err
	}
	if err := printSummary(w, r.selection.Summary); err != nil {
		return err
	}
	if s := r.selection; s.Shortfall > 0 {
		if err := printShortfall(w, s.Parameters.Budget, s.Shortfall, s.Shortfalls); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\nrun        %s\nselection  %s\n"+
		"subset     %s\nrejected   %s\npicks      %s\ndetails    %s\n",
		r.Run, r.Selection, r.Outputs.Subset, r.Outputs.Rejected, r.Outputs.Picks, r.Outputs.Selection)
	return err
}

// sampleTable accounts for every sample.
func (r *result) sampleTable() table.Writer {
	t := newTable("samples", "count", "share")
	row := func(name string, n int64) {
		t.AppendRow(table.Row{name, n, fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(r.Samples.In, 1)))})
	}
	row("in", r.Samples.In)
	row("scored", r.Samples.Scored)
	row("failed", r.Samples.Failed)
	row("skipped", r.Samples.Skipped)
	for _, code := range slices.Sorted(maps.Keys(r.status.Reasons)) {
		row("  "+code.Phrase(), r.status.Reasons[code])
	}
	t.AppendSeparator()
	row("selected", int64(r.Selected))
	return t
}
