package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/telemetry"
	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program, and the commit and date that it was built from",
		Args:  atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine returns the output of version and --version.
func versionLine() string { return fmt.Sprintln("harvest", telemetry.ReadBuild()) }
