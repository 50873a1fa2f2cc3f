package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// foldHelp has the help of a command and of those below it printed in lines for a terminal.
func foldHelp(root *cobra.Command) {
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprintln(cmd.OutOrStderr(), strings.Join(usageOf(cmd), "\n\n"))
		return err
	})
	for cmds := []*cobra.Command{root}; len(cmds) > 0; cmds = cmds[1:] {
		cmds = append(cmds, cmds[0].Commands()...)
		paragraphs := strings.Split(cmp.Or(cmds[0].Long, cmds[0].Short), "\n\n")
		for i, paragraph := range paragraphs {
			paragraphs[i] = folded(strings.ReplaceAll(paragraph, "\n", " "), "")
		}
		cmds[0].Long = strings.Join(paragraphs, "\n\n")
	}
}

// usageOf are the paragraphs of the usage of a command.
func usageOf(cmd *cobra.Command) []string {
	usage := "Usage:"
	if cmd.Runnable() {
		usage += "\n" + foldedCommand("  "+cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		usage += fmt.Sprintf("\n  %s [command]", cmd.CommandPath())
	}
	all := []string{usage}
	if cmd.HasExample() {
		lines := strings.Split(cmd.Example, "\n")
		for i, line := range lines {
			lines[i] = foldedCommand(line)
		}
		all = append(all, "Examples:\n"+strings.Join(lines, "\n"))
	}
	var available, topics [][2]string
	for _, sub := range cmd.Commands() {
		switch {
		case sub.IsAdditionalHelpTopicCommand():
			topics = append(topics, [2]string{sub.CommandPath(), sub.Short})
		case sub.IsAvailableCommand(), sub.Name() == "help":
			available = append(available, [2]string{sub.Name(), sub.Short})
		}
	}
	all = appendRows(all, "Available Commands:", available)
	all = appendRows(all, "Flags:", flagRows(cmd.LocalFlags()))
	all = appendRows(all, "Global Flags:", flagRows(cmd.InheritedFlags()))
	all = appendRows(all, "Additional help topics:", topics)
	if cmd.HasAvailableSubCommands() {
		all = append(all, folded(fmt.Sprintf("Use \"%s [command] --help\" for more information about a command.",
			cmd.CommandPath()), ""))
	}
	return all
}

// flagRows are flags with what they mean, as pflag words it.
func flagRows(flags *pflag.FlagSet) (rows [][2]string) {
	for line := range strings.Lines(flags.FlagUsages()) {
		line = strings.TrimSuffix(line, "\n")
		at := strings.Index(line, "--")
		name, meaning, _ := strings.Cut(line[at:], "  ")
		rows = append(rows, [2]string{line[2:at] + name, strings.TrimLeft(meaning, " ")})
	}
	return rows
}

// widestName is the longest name that has its meaning next to it.
const widestName = 28

// appendRows appends a paragraph of names with their meanings; nothing without rows. The meaning of a long name begins
// below it.
func appendRows(all []string, title string, rows [][2]string) []string {
	if len(rows) == 0 {
		return all
	}
	width := 0
	for _, row := range rows {
		if len(row[0]) <= widestName {
			width = max(width, len(row[0]))
		}
	}
	for _, row := range rows {
		lines := strings.Split(text.WrapSoft(row[1], terminalWidth-width-4), "\n")
		name := row[0]
		if len(name) > width {
			title += "\n  " + name
			name = ""
		}
		for _, line := range lines {
			title += "\n" + strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, name, line), " ")
			name = ""
		}
	}
	return append(all, title)
}

// foldedCommand is a command in lines that a shell reads as one.
func foldedCommand(line string) string {
	var folded string
	for len(line) > terminalWidth {
		at := strings.LastIndex(line[:terminalWidth-1], " ")
		if flag := strings.LastIndex(line[:terminalWidth-1], " --"); flag > terminalWidth/2 {
			at = flag
		}
		if at < terminalWidth/4 { // it has no better place
			break
		}
		folded += line[:at] + " \\\n"
		line = "      " + line[at+1:]
	}
	return folded + line
}
