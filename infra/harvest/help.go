package main

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
)

// helpFunctions adds functions to the templates of help, which all commands of a process share.
var helpFunctions = sync.OnceFunc(func() {
	cobra.AddTemplateFunc("foldedCommand", foldedCommand)
	cobra.AddTemplateFunc("shortAfter", func(name int, words string) string { // name is the width of the column of names
		return strings.TrimLeft(folded(words, strings.Repeat(" ", len("  ")+name+len(" "))), " ")
	})
})

// foldHelp wraps the help of a command and of its subcommands at the width of a terminal.
func foldHelp(root *cobra.Command) {
	helpFunctions()
	root.SetUsageTemplate(strings.NewReplacer(
		"{{.UseLine}}", "{{foldedCommand .UseLine}}",
		"{{rpad .Name .NamePadding }} {{.Short}}", "{{rpad .Name .NamePadding}} {{shortAfter .NamePadding .Short}}",
		"{{rpad .CommandPath .CommandPathPadding}} {{.Short}}",
		"{{rpad .CommandPath .CommandPathPadding}} {{shortAfter .CommandPathPadding .Short}}",
		".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", terminalWidth),
	).Replace(root.UsageTemplate()))
	for cmds := []*cobra.Command{root}; len(cmds) > 0; cmds = cmds[1:] {
		cmds = append(cmds, cmds[0].Commands()...)
		paragraphs := strings.Split(cmp.Or(cmds[0].Long, cmds[0].Short), "\n\n")
		for i, paragraph := range paragraphs {
			paragraphs[i] = folded(strings.ReplaceAll(paragraph, "\n", " "), "")
		}
		cmds[0].Long = strings.Join(paragraphs, "\n\n")
		examples := strings.Split(cmds[0].Example, "\n")
		for i, line := range examples {
			examples[i] = foldedCommand(line)
		}
		cmds[0].Example = strings.Join(examples, "\n")
	}
}

// foldedCommand wraps a command with backslashes, so that a shell reads its lines as one command.
func foldedCommand(line string) string {
	var folded string
	for len(line) > terminalWidth {
		at := strings.LastIndex(line[:terminalWidth-1], " ")
		if flag := strings.LastIndex(line[:terminalWidth-1], " --"); flag > terminalWidth/2 {
			at = flag
		}
		if at < terminalWidth/4 { // there is no space at which to break the line
			break
		}
		folded += line[:at] + " \\\n"
		line = "      " + line[at+1:]
	}
	return folded + line
}
