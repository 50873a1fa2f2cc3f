package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/reference"
)

// maxFindings is the maximum number of files that a warning lists. --json has all.
const maxFindings = 20

// printFindings prints the findings in score files. It prints a warning for each kind of finding, and below the warning
// a line for each file, with an example.
func printFindings(w io.Writer, findings []reference.Finding) error {
	var text strings.Builder
	for i, first := range findings {
		sameKind := func(f reference.Finding) bool { return f.Kind == first.Kind }
		if slices.ContainsFunc(findings[:i], sameKind) {
			continue
		}
		total, files := 0, 0
		var lines strings.Builder
		for _, found := range findings[i:] {
			if !sameKind(found) {
				continue
			}
			total += found.Count
			if files++; files <= maxFindings {
				fmt.Fprintf(&lines, "  %s\n", describe(found))
			}
		}
		fmt.Fprintf(&text, "harvest: warning: %s\n%s", first.Kind.Meaning(total), lines.String())
		if files > maxFindings {
			fmt.Fprintf(&text, "  and %s; --json lists all\n", number(files-maxFindings, "more file"))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// describe returns a line about the findings in one file: their number, the file, and the first finding as an example.
func describe(f reference.Finding) string {
	switch f.Kind {
	case reference.UnknownCapability:
		if f.Nearest != "" {
			return fmt.Sprintf("%s; did you mean %q?", f.File, f.Nearest)
		}
		return f.File
	case reference.EmptyFile, reference.UnreadFile, reference.MissingCapability:
		return f.File
	default:
	}
	var first []string
	if f.Line > 0 {
		first = append(first, fmt.Sprintf("line %d", f.Line))
	}
	if f.Idx != "" {
		first = append(first, "idx "+f.Idx)
	}
	text := fmt.Sprintf("%d in %s, the first: %s", f.Count, f.File, strings.Join(first, ", "))
	if f.Answer != "" {
		text += ", answer " + f.Answer
	}
	return text
}

// unratedFiles returns advice for score files without a rating.
func unratedFiles(findings []reference.Finding) string {
	for _, found := range findings {
		if found.Kind == reference.NotANumber {
			return fmt.Sprintf(`no answer is a number (%s, line %d: %s): write whole numbers such as "4" as pred_response, `+
				"then give the same command", found.File, found.Line, found.Answer)
		}
	}
	return "the score files hold no answer: score the samples, then give the same command"
}
