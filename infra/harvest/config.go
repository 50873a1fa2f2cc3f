package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry/otlp"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
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
			t := variableTable(variables, func(s string) string { return s })
			_, err := fmt.Fprintln(cmd.OutOrStdout(), t.Render())
			return err
		},
	}
}

// variableTable returns a table of variables. quote formats their names and defaults.
func variableTable(variables []readVariable, quote func(string) string) table.Writer {
	t := newTable("variable", "default", "read by", "meaning")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "meaning", WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, v := range variables {
		value := "none"
		if v.Default != "" {
			value = quote(v.Default)
		}
		t.AppendRow(table.Row{quote(v.Name), value, strings.Join(v.by, ", "), v.Meaning})
	}
	return t
}
