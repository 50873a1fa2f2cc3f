package main

import (
	"slices"

	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A wholeFlag is the value of a flag for a whole number. It accepts only decimal digits: pflag would also accept 0x10
// and 1_0, and read 010 as 8.
type wholeFlag struct{ pflag.Value }

// Set implements pflag.Value.
func (f wholeFlag) Set(text string) error {
	if err := spelling.CheckWhole(text); err != nil {
		return err
	}
	return f.Value.Set(text)
}

// wholeTypes are the types of pflag for whole numbers.
var wholeTypes = []string{"int", "int64", "uint", "uint64"}

// checkWholeFlags wraps all whole-number flags of a command and its subcommands in a wholeFlag.
func checkWholeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, done := f.Value.(wholeFlag); !done && slices.Contains(wholeTypes, f.Value.Type()) {
			f.Value = wholeFlag{f.Value}
		}
	})
	for _, below := range cmd.Commands() {
		checkWholeFlags(below)
	}
}
