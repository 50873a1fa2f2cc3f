package main

import (
	"regexp"

	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/spf13/cobra"
)

// namedCommand matches a command of this program in a message, and the flag after it.
var namedCommand = regexp.MustCompile(`\bharvest ([a-z]+(?:-[a-z]+)*)( --[a-z]+)?`)

// withState adds the --state that the user typed to the commands that a message names. It skips commands without this
// flag, and `harvest serve`, whose state folder is another one.
func withState(cmd *cobra.Command, text string) string {
	if cmd == nil || !cmd.Flags().Changed("state") {
		return text
	}
	flag := " --state " + spelling.ShellWord(cmd.Flags().Lookup("state").Value.String())
	takes := map[string]bool{}
	for _, other := range cmd.Root().Commands() {
		takes[other.Name()] = other.Flags().Lookup("state") != nil && other.Name() != "serve"
	}
	return namedCommand.ReplaceAllStringFunc(text, func(found string) string {
		parts := namedCommand.FindStringSubmatch(found)
		if !takes[parts[1]] || parts[2] == " --state" || parts[2] == " --help" {
			return found
		}
		return "harvest " + parts[1] + flag + parts[2]
	})
}
