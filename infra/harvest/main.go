// Command harvest runs the whole system on one machine: the same functions as in the cloud, with folders for buckets
// and a queue in memory.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/spf13/cobra"
)

func main() { os.Exit(execute()) }

// execute runs the command line and returns the exit status.
func execute() int {
	// functions-framework prints to the process's standard output, but only a command's results belong there.
	out := os.Stdout
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stdout = null
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	show, warn := plainText{out}, plainText{messagesTo(os.Stderr)}
	root := newRoot()
	root.SetOut(show)
	root.SetErr(warn)
	cmd, err := root.ExecuteContextC(ctx)
	return exitStatus(ctx, cmd, err, warn)
}

// exitStatus returns the exit status of a command. It prints the command's error, if there is one.
func exitStatus(ctx context.Context, cmd *cobra.Command, err error, warn io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, errForgotten):
		fmt.Fprintln(warn, "harvest:", err)
		return 130
	case ctx.Err() != nil && cmd != nil && cmd.Flags().Lookup("state") == nil: // the command keeps no state
		fmt.Fprintln(warn, "harvest: stopped; repeat the command to start again")
		return 130
	case ctx.Err() != nil:
		fmt.Fprintln(warn, "harvest: stopped; nothing is lost, repeat the command to continue")
		return 130
	case errors.As(err, &usage):
		fmt.Fprintln(warn, "harvest:", withState(cmd, err.Error()))
		return 2
	default:
		if machine, ok := errors.AsType[*bucket.MachineError](err); ok {
			kept, _ := errors.AsType[*keptError](err)
			err = kept.of(machine) // only the folder and the fix, without the object
		}
		fmt.Fprintln(warn, "harvest:", withState(cmd, err.Error()))
		return 1
	}
}

// A usageError is an error in the command line. The exit status is 2.
type usageError struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "harvest",
		Short: "Select the best subset of a multimodal dataset, at any budget",
		Long: `Harvest rates every sample of a multimodal instruction-tuning dataset on 14 capabilities, labels its
styles, and selects the best subset at a budget. On one machine it runs the same functions as in the
cloud. It keeps its work in the folder --state: no sample is scored twice, and a killed run continues.`,
		Version:       versionLine(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}")
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(newCurate(), newSelect(), newExportSubset(), newExplain(), newShow(), newClusters(),
		newCompare(), newReview(), newStatus(), newResume(), newRetry(), newRm(), newGc(), newPlan(), newPrompts(),
		newAnnotate(), newTrain(), newEvaluate(), newExport(), newConfig(), newServe(), newSmoke(),
		newVersion(), newAttempt())
	root.AddCommand(newTopics()...)
	checkWholeFlags(root)
	refuseUnknownHelp(root)
	foldHelp(root)
	if err := addCompletions(root); err != nil {
		panic(err) // cannot happen: the flag exists, and has no other completion
	}
	return root
}
