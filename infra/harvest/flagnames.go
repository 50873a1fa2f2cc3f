package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// requestFlags are the flags for the fields of a request. Errors begin with the names of these fields.
var requestFlags = map[string]string{
	"styles: keep": "keep-styles", "styles: drop": "drop-styles", "styles": "keep-styles",
	"sources: keep": "keep-sources", "sources: drop": "drop-sources", "sources": "keep-sources",
	"caps: source": "cap-source", "caps: style": "cap-style", "caps: image": "cap-image",
	"caps: cluster": "max-per-cluster", "caps: template": "cap-template", "exclude_near": "exclude-near",
	"exclude_images": "exclude-images", "visual_tokens": "visual-tokens",
	"budget": "budget", "capabilities": "capabilities", "weights": "weights", "threshold": "threshold",
	"thresholds": "thresholds", "within_bin": "within-bin", "ratings_only": "ratings-only", "strategy": "strategy",
	"by": "by", "tie_break": "tie-break", "where": "where", "scores_from": "scores-from", "mix": "mix",
	"unique": "unique", "include": "include", "exclude": "exclude", "minimums": "minimums",
	"rating_errors": "rating-error", "ids": "ids", "other_run": "other-run", "pairs": "pairs",
	"against": "against",
}

// fieldAtStart matches a field at the beginning of a line or a clause of an error.
var fieldAtStart = regexp.MustCompile(`(?m)(^|; )([a-z_]+(?:: (?:keep|drop|source|style|image))?): `)

// fieldWithin matches the name of a field with underscores; other words have no underscore. It also matches quoted
// text, which comes from the user and stays unchanged.
var fieldWithin = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b`)

// byFlags replaces the names of a request's fields in an error by the flags that the user typed.
func byFlags(err error) error {
	text := fieldAtStart.ReplaceAllStringFunc(err.Error(), func(match string) string {
		parts := fieldAtStart.FindStringSubmatch(match)
		flag, known := requestFlags[parts[2]]
		if !known {
			return match
		}
		return fmt.Sprintf("%s--%s: ", parts[1], flag)
	})
	return errors.New(fieldWithin.ReplaceAllStringFunc(text, func(match string) string {
		if flag, known := requestFlags[match]; known && strings.Contains(match, "_") {
			return "--" + flag
		}
		return match
	}))
}

// flagFault returns the error of an invalid command line. For an unknown flag it names the commands that have this
// flag, else the most similar flag. For an invalid value it gives the reason.
func flagFault(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if first := cmd.Flags().Arg(0); first != "" && !cmd.HasParent() {
			return unknownCommand(cmd, first) // the flag belongs to a command with a mistyped name
		}
		if has := commandsWith(cmd.Root(), unknown.GetSpecifiedName()); len(has) > 0 {
			err = fmt.Errorf("%w here; it is a flag of %s", err, strings.Join(has, ", "))
		} else {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
			err = fmt.Errorf("%w%s", err, spelling.Hint("--"+unknown.GetSpecifiedName(), names))
		}
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag, value := invalid.GetFlag(), invalid.GetValue()
		cause := spelling.Value(value, invalid.Unwrap())
		err = fmt.Errorf("--%s %s: %w", flag.Name, value, cause)
	}
	return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
}

// commandsWith returns the commands that have a flag, such as `harvest curate`.
func commandsWith(root *cobra.Command, flag string) []string {
	var paths []string
	for _, command := range root.Commands() {
		if command.Flags().Lookup(flag) != nil {
			paths = append(paths, "`"+command.CommandPath()+"`")
		}
	}
	return paths
}

// refuseUnknownHelp makes `harvest help` refuse an unknown command.
func refuseUnknownHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, help := range root.Commands() {
		if help.Name() != "help" {
			continue
		}
		show := help.Run
		help.RunE = func(cmd *cobra.Command, args []string) error {
			if found, _, err := root.Find(args); len(args) > 0 && (err != nil || found == root) {
				return unknownCommand(root, args[0])
			}
			show(cmd, args)
			return nil
		}
	}
}

// unknownCommand returns the error of a command that does not exist.
func unknownCommand(root *cobra.Command, name string) error {
	var names []string
	for _, command := range root.Commands() {
		names = append(names, command.Name())
	}
	return usageError{fmt.Errorf("%q is not a command%s (`harvest --help` lists them)", name, spelling.Hint(name, names))}
}
