package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// sweepFlags are the flags of select that compare strategies instead of selecting.
type sweepFlags struct {
	sweep       bool
	ratingError float64
}

func (f *sweepFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.sweep, "sweep", false, "select nothing: compare strategies and thresholds at the budget, each "+
		"under 5 seeds and 5 perturbations of the ratings")
	cmd.Flags().Float64Var(&f.ratingError, "rating-error", -1, "with --sweep: standard deviation of the scorer's error, "+
		"0 to 5 (default: the measured error of the embedded scorer; for other scorers, ratings are perturbed only with "+
		"this flag)")
}

// run prints the sweep of a scored run at the budget of an order.
func (f sweepFlags) run(
	cmd *cobra.Command, typed string, o order, state string, allowed run.Allowance, asJSON bool,
) error {
	if len(o.Requests) > 1 {
		return usageError{fmt.Errorf("--budget: %d budgets are given, and --sweep allows one; give one budget",
			len(o.Requests))}
	}
	runs, subsets, err := readState(state)
	if err != nil {
		return err
	}
	runID, err := findRun(cmd.Context(), runs, typed)
	if err != nil {
		return err
	}
	plan, err := runs.UsablePlan(cmd.Context(), runID)
	if err != nil {
		return unknownRun(err)
	}
	sets, err := o.evaluations(cmd.Context())
	if err != nil {
		return err
	}
	request := subset.SweepRequest{Request: o.Requests[0]}
	if cmd.Flags().Changed("rating-error") {
		request.RatingErrors = map[string]float64{"": f.ratingError}
	} else {
		request.RatingErrors = kinds.RatingErrors(plan.Scorer, plan.Rubric.Capabilities)
	}
	sweep, err := subsets.Sweep(cmd.Context(), runID, request, sets, allowed)
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		return o.typedNear(usageError{byFlags(refused)})
	} else if err != nil {
		return unknownRun(err)
	}
	if asJSON {
		return api.EncodeJSON(cmd.OutOrStdout(), sweep)
	}
	return printSweep(cmd.OutOrStdout(), sweep)
}

// sweepTables are the printed figures, with their titles; --json has all figures.
var sweepTables = []struct {
	figure, title string
	text          func(float64) string
}{
	{"low_picks", "picked on a rating of 1 or 0", inPercent},
	{"high_kept", "kept of ratings of 4 and 5", inPercent},
	{"below_pool", "capabilities below pool mean", oneDigit},
	{"bins", "bins", oneDigit},
	{"tokens", "tokens (estimate)", inThousands},
	{"shortfall", "shortfall", oneDigit},
}

func inPercent(v float64) string { return fmt.Sprintf("%.1f", 100*v) }

func inThousands(v float64) string {
	return strings.ReplaceAll(humanize.SIWithDigits(v, 1, ""), " ", "")
}

func oneDigit(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// printSweep prints a table for each figure, so that it fits a terminal.
func printSweep(w io.Writer, s *subset.Sweep) error {
	for _, of := range sweepTables {
		t := newNarrowTable([]int{15, 18, 5, 18, 5}, of.title, "5 seeds", "equal", "perturbed", "equal")
		for _, row := range s.Rows {
			cells := table.Row{sweepName(row)}
			for _, ranges := range [][]subset.FigureRange{row.Seeds, row.Perturbed} {
				cells = append(cells, sweepCells(ranges, of.figure, of.text)...)
			}
			t.AppendRow(cells)
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	notes := "Means, and lowest to highest; shares in percent. Rows that share a letter have ranges that overlap: " +
		"this figure shows no difference between them. No figure measures the quality of training."
	if s.RatingErrors == nil {
		notes += " The error of this scorer was not measured: give --rating-error to perturb ratings."
	} else {
		notes += " The column perturbed has selections by ratings plus random errors of the scorer's size. They are " +
			"measured by the run's own ratings."
	}
	_, err := fmt.Fprintf(w, "\n%s\n", folded(notes, ""))
	return err
}

func sweepName(row subset.SweepRow) string {
	if row.By != "" {
		return "top by " + row.By
	}
	if row.Strategy == selection.MMSSR {
		return fmt.Sprintf("threshold %d", row.Threshold)
	}
	return string(row.Strategy)
}

// sweepCells returns two cells: the range of a figure, and the letters of equal rows.
func sweepCells(ranges []subset.FigureRange, figure string, text func(float64) string) []any {
	for _, r := range ranges {
		switch {
		case r.Figure != figure:
		case r.Low == r.High:
			return []any{text(r.Mean), r.Equal}
		default:
			return []any{fmt.Sprintf("%s (%s-%s)", text(r.Mean), text(r.Low), text(r.High)), r.Equal}
		}
	}
	return []any{"-", ""}
}
