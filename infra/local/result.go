package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A result is what curate and select tell at the end: with --json, as this object.
type result struct {
	Samples   events.Counts      `json:"samples"`
	Selected  int                `json:"selected"`
	Run       string             `json:"run"`
	Selection string             `json:"selection"`
	Outputs   run.Outputs        `json:"outputs"` // paths of files
	Seconds   map[string]float64 `json:"seconds"` // by stage

	status    *run.Status
	selection *run.Selection
}

func (r *result) score(ctx context.Context, s session) (err error) {
	if r.status, err = s.score(ctx, r.Run, r.Seconds); err != nil {
		return err
	}
	r.Samples = r.status.Samples
	return nil
}

func (r *result) choose(ctx context.Context, s session, spec run.SelectionSpec, work bucket.Reader, dir string) (err error) {
	if r.selection, err = s.choose(ctx, r.Run, spec, r.Seconds); err != nil {
		return err
	}
	r.Selected, r.Selection = r.selection.Selected, r.selection.ID
	if dir == "" {
		dir = defaultOut(r.selection)
	}
	r.Outputs, err = copyOutputs(ctx, work, r.selection.Outputs, dir)
	return err
}

func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	for _, t := range []table.Writer{r.sampleTable(), ratingTable(r.selection), styleTable(r.selection)} {
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	if short := r.selection.Shortfall; short > 0 {
		fmt.Fprintf(w, "\nThe budget was %d samples; %d more were asked for than are rated above the threshold and have a style.\n", r.selection.Parameters.Budget, short)
	}
	_, err := fmt.Fprintf(w, "\nrun        %s\nselection  %s\nsubset     %s\nrejected   %s\npicks      %s\ndetails    %s\n",
		r.Run, r.Selection, r.Outputs.Subset, r.Outputs.Rejected, r.Outputs.Picks, r.Outputs.Selection)
	return err
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	var right []table.ColumnConfig
	for i := range header[1:] {
		right = append(right, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	return t
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
	for _, reason := range slices.Sorted(maps.Keys(r.status.Reasons)) {
		row("  "+reason, r.status.Reasons[reason])
	}
	t.AppendSeparator()
	row("selected", int64(r.Selected))
	return t
}

// ratingTable compares mean ratings.
func ratingTable(sel *run.Selection) table.Writer {
	t := newTable("mean rating", "pool", "subset", "random")
	s := sel.Summary
	for i, pool := range s.Pool.Ratings {
		t.AppendRow(table.Row{pool.Capability, fmt.Sprintf("%.2f", pool.Mean), fmt.Sprintf("%.2f", s.Selection.Ratings[i].Mean), fmt.Sprintf("%.2f", s.Random.Ratings[i].Mean)})
	}
	return t
}

// styleTable compares the shares of samples that have each style.
func styleTable(sel *run.Selection) table.Writer {
	t := newTable("style share", "pool", "subset", "random")
	s := sel.Summary
	percent := func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
	for i, pool := range s.Pool.Styles {
		t.AppendRow(table.Row{pool.Style, percent(pool.Share), percent(s.Selection.Styles[i].Share), percent(s.Random.Styles[i].Share)})
	}
	t.AppendSeparator()
	t.AppendRow(table.Row{"sources", s.Pool.Sources, s.Selection.Sources, s.Random.Sources})
	t.AppendRow(table.Row{"bins (style + source)", s.Pool.Bins, s.Selection.Bins, s.Random.Bins})
	return t
}
