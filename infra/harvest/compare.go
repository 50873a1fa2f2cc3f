package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func newCompare() *cobra.Command {
	var (
		asJSON            bool
		state, ids, other string
		file              string
	)
	cmd := &cobra.Command{
		Use:   "compare RUN [A [B]]",
		Short: "Compare two subsets of a dataset, or the ratings of two runs of it",
		Long: `Compare two selections of a run (A and B), or a selection with the samples in a file of ids, or a
selection with a selection of another run of the same dataset. With two runs, their ratings are compared too.`,
		Example: `  harvest compare demo-0123456789ab 0123456789ab ba9876543210
  harvest compare demo-0123456789ab 0123456789ab ba9876543210 --report
  harvest compare demo-0123456789ab latest --ids coincide.txt
  harvest compare demo-0123456789ab --other-run demo-ba9876543210`,
		Args:              comparedArgs,
		ValidArgsFunction: completeSelections(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, subsets, err := readState(state)
			if err != nil {
				return err
			}
			if err := keepPage(file, state); err != nil {
				return err
			}
			runID, request, err := compareRequest(cmd.Context(), runs, subsets, state, args, other)
			if err != nil {
				return err
			}
			if request.IDs, err = readIDs(ids); err != nil {
				return usageError{fmt.Errorf("--ids: %w", err)}
			}
			comparison, err := subsets.Compare(cmd.Context(), runID, request)
			if refused, ok := errors.AsType[*run.RefusedError](err); ok {
				return usageError{byFlags(refused)}
			} else if err != nil {
				return unknownRun(err)
			}
			if err := writeCompared(cmd.Context(), state, runs, subsets, runID, request, file); err != nil {
				return err
			}
			if asJSON {
				return api.EncodeJSON(cmd.OutOrStdout(), comparison)
			}
			return printComparison(cmd.OutOrStdout(), comparison, request)
		},
	}
	cmd.Flags().StringVar(&ids, "ids", "", "file of ids, one per line, of a subset that another program made: compare A "+
		"with this subset")
	cmd.Flags().StringVar(&other, "other-run", "", "run of selection B, if B belongs to another run of the same files")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&file, "report", "", "write an HTML page with both selections side by side to this file "+
		"(--report=FILE)")
	cmd.Flags().Lookup("report").NoOptDefVal = comparedFile
	stateFlag(cmd, &state)
	return cmd
}

// comparedArgs checks the number of arguments of compare. A file after "--report " is an argument.
func comparedArgs(cmd *cobra.Command, args []string) error {
	page := slices.IndexFunc(args, func(arg string) bool { return filepath.Ext(arg) == ".html" })
	switch {
	case page >= 0 && cmd.Flags().Changed("report"):
		return usageError{fmt.Errorf("--report %[1]s: type its file after an equals sign: --report=%[1]s", args[page])}
	case len(args) == 0 || len(args) > 3:
		return usageError{fmt.Errorf("name one run and at most two selections; `harvest status RUN` lists them, "+
			"`%s --help` says more", cmd.CommandPath())}
	default:
		return nil
	}
}

// compareRequest finds the run and the selections that the arguments name.
func compareRequest(
	ctx context.Context, runs *run.Reader, subsets *subset.Reader, state string, args []string, other string,
) (runID string, request subset.CompareRequest, err error) {
	if runID, err = findRun(ctx, runs, args[0]); err != nil {
		return "", request, err
	}
	ofB := runID
	if other != "" {
		if ofB, err = findRun(ctx, runs, other); err != nil {
			return "", request, err
		}
		request.OtherRun = ofB
	}
	if len(args) > 1 {
		if request.Selection, err = findSelection(ctx, subsets, state, runID, args[1]); err != nil {
			return "", request, err
		}
	}
	if len(args) > 2 {
		request.Other, err = findSelection(ctx, subsets, state, ofB, args[2])
	}
	return runID, request, err
}

// maxFlows is the maximum number of printed rows of a table of a comparison. --json has all rows.
const maxFlows = 12

// printComparison prints the common samples and the differences of two subsets.
func printComparison(w io.Writer, c *subset.Comparison, request subset.CompareRequest) error {
	var tables []string
	if request.Selection != "" {
		tables = append(tables, overlapTable(c).Render())
		for _, flows := range []struct {
			name string
			rows []subset.Flow
		}{{"source", c.Sources}, {"style", c.Styles}, {"picked for", c.Capabilities}} {
			if len(flows.rows) > 0 {
				tables = append(tables, flowTable(flows.name, flows.rows))
			}
		}
		if len(c.Columns) > 0 {
			tables = append(tables, columnTable(c.Columns))
		}
		for _, moved := range []struct {
			what string
			ids  []string
		}{{"only in B, the first ids", c.In}, {"only in A, the first ids", c.Out}} {
			if len(moved.ids) > 0 {
				tables = append(tables, movedIDs(moved.what, moved.ids))
			}
		}
	}
	if len(c.Correlations) > 0 {
		tables = append(tables, correlationTable(c.Correlations).Render())
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(tables, "\n\n"))
	return err
}

func overlapTable(c *subset.Comparison) table.Writer {
	t := newNarrowTable([]int{20}, "samples", "count", "of A", "of B")
	t.AppendRows([]table.Row{
		{"A", c.A, "", ""}, {"B", c.B, "", ""}, {"in both", c.Both, share(ratio(c.Both, c.A)), share(ratio(c.Both, c.B))},
	})
	return t
}

// ratio returns part/whole. A whole of 0 counts as 1.
func ratio(part, whole int) float64 { return float64(part) / float64(max(whole, 1)) }

func flowTable(name string, rows []subset.Flow) string {
	t := newNarrowTable([]int{26}, name, "A", "B", "came in", "went out")
	for _, f := range rows[:min(len(rows), maxFlows)] {
		t.AppendRow(table.Row{f.Name, f.A, f.B, f.In, f.Out})
	}
	rendered := t.Render()
	if more := len(rows) - maxFlows; more > 0 {
		rendered += "\nin --json: " + number(more, "more row")
	}
	return rendered
}

// columnTable returns a table of the external columns, as text.
func columnTable(columns []subset.ColumnPair) string {
	t := newNarrowTable([]int{26}, "column", "A mean", "median", "A known", "B mean", "median", "B known")
	decimal := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return strconv.FormatFloat(*v, 'g', 4, 64)
	}
	for _, c := range columns[:min(len(columns), maxFlows)] {
		t.AppendRow(table.Row{
			c.Name, decimal(c.A.Mean), decimal(c.A.Median), share(c.A.Coverage),
			decimal(c.B.Mean), decimal(c.B.Median), share(c.B.Coverage),
		})
	}
	rendered := t.Render()
	if more := len(columns) - maxFlows; more > 0 {
		rendered += fmt.Sprintf("\n%d more columns are in --json", more)
	}
	return rendered
}

func movedIDs(what string, ids []string) string {
	lines := []string{what + ":"}
	for _, id := range ids {
		lines = append(lines, "  "+spelling.Shown(id))
	}
	return strings.Join(lines, "\n")
}

func correlationTable(rows []subset.Correlation) table.Writer {
	t := newNarrowTable([]int{32}, "ratings of the two runs", "Spearman", "samples")
	for _, c := range rows {
		rho := "-"
		if c.Spearman != nil {
			rho = fmt.Sprintf("%.2f", *c.Spearman)
		}
		t.AppendRow(table.Row{c.Capability, rho, c.Samples})
	}
	return t
}
