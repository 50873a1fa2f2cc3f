package main

import (
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/jedib0t/go-pretty/v6/table"
)

// shownTemplate is the maximum number of printed characters of a template. selection.json has the whole template.
const shownTemplate = 48

// printTemplates prints the most frequent templates of questions. If shares is empty, it prints nothing.
func printTemplates(w io.Writer, shares []selection.TemplateShare) error {
	if len(shares) == 0 {
		return nil
	}
	t := newNarrowTable([]int{shownTemplate, 9, 9}, "template of questions", "pool", "subset")
	for _, s := range shares {
		t.AppendRow(table.Row{shortened(s.Template, shownTemplate), share(s.Pool), share(s.Selection)})
	}
	_, err := fmt.Fprintf(w, "\n%s\n", t.Render())
	return err
}

// shortened cuts a text to `most` characters. If the text was longer, its last three characters become dots.
func shortened(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-3]) + "..."
	}
	return text
}

// warnOfTemplates warns of templates that are much more frequent in the subset than in the pool.
func warnOfTemplates(w io.Writer, shares []selection.TemplateShare) {
	for _, s := range shares {
		if s.Over() {
			fmt.Fprintf(w, "harvest: warning: %s of the subset and %s of the pool have the question %q; --cap-template 5%% "+
				"limits the samples of each question\n", share(s.Selection), share(s.Pool), shortened(s.Template, shownTemplate))
		}
	}
}
