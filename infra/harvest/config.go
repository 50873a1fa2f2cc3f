package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry/otlp"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// localConfig has all variables that this program reads from the environment.
type localConfig struct {
	Limits    run.Limits
	Scorers   kinds.Config
	Buckets   buckets
	Telemetry otlp.Config

	Selections subset.Limits
}

// thisProgram is the name of this program in the list of readers.
const thisProgram = "harvest"

// readers lists the programs that read environment variables, in the order of the output.
var readers = []struct {
	name      string
	structure any
}{
	{thisProgram, localConfig{}},
	{config.IngestTarget, config.Planning{}},
	{config.ScoreTarget, config.Score{}},
	{config.CurateTarget, config.Planning{}},
}

// A readVariable is a variable and the programs that read it.
type readVariable struct {
	config.Variable
	by []string
}

// allVariables returns the variables of all programs, each once.
func allVariables() []readVariable {
	var all []readVariable
	for _, reader := range readers {
		for _, v := range config.Variables(reader.structure) {
			i := slices.IndexFunc(all, func(known readVariable) bool { return known.Name == v.Name })
			if i < 0 {
				all, i = append(all, readVariable{Variable: v}), len(all)
			}
			all[i].by = append(all[i].by, reader.name)
		}
	}
	return all
}

func newConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config [FUNCTION]",
		Short: "Print every variable of the environment, its default and its meaning",
		Long: `config prints the environment variables that this program and the functions (ingest, score, curate) read,
or only those of one function. It prints no values, because some values may be secret.`,
		Example: "  harvest config score",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			variables := allVariables()
			if len(args) == 1 {
				variables = slices.DeleteFunc(variables, func(v readVariable) bool { return !slices.Contains(v.by, args[0]) })
			}
			if len(variables) == 0 {
				return usageError{fmt.Errorf("%q reads no variables; give harvest, ingest, score or curate", args[0])}
			}
			return printVariables(cmd.OutOrStdout(), variables)
		},
	}
}

// printVariables prints a table for each group of variables that the same programs read.
func printVariables(w io.Writer, variables []readVariable) error {
	for len(variables) > 0 {
		by := strings.Join(variables[0].by, ", ")
		t := newNarrowTable([]int{27, textWidth, textWidth + 20}, "variable", "default", "meaning")
		var others []readVariable
		for _, v := range variables {
			if strings.Join(v.by, ", ") != by {
				others = append(others, v)
				continue
			}
			t.AppendRow(table.Row{v.Name, cmp.Or(v.Default, "none"), v.Meaning})
		}
		if _, err := fmt.Fprintf(w, "read by %s:\n%s\n", by, t.Render()); err != nil {
			return err
		}
		variables = others
	}
	return nil
}

// variableTable returns a table of variables for a page. quote formats their names and defaults.
func variableTable(variables []readVariable, quote func(string) string) table.Writer {
	t := newWriter(table.Row{"variable", "default", "read by", "meaning"})
	for _, v := range variables {
		value := "none"
		if v.Default != "" {
			value = quote(v.Default)
		}
		t.AppendRow(table.Row{quote(v.Name), value, strings.Join(v.by, ", "), v.Meaning})
	}
	return t
}
