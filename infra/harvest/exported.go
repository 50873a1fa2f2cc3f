package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// An exported folder is what export tells: with --json, as this object.
type exported struct {
	// Annotations is how many there are: those exported (samples), those absent and those left out.
	Annotations int `json:"annotations"`
	Samples     int `json:"samples"`
	// Absent are ids of annotations without a sample.
	Absent []string `json:"absent"`
	// Failed counts the samples that are left out, by reason.
	Failed map[string]int `json:"failed"`
	Files  []exportedFile `json:"files"`
	Images int            `json:"images"` // files, each once
}

// An exportedFile is one file of items.
type exportedFile struct {
	Name    string `json:"name"`
	Samples int    `json:"samples"`
	Items   int    `json:"items"`
}

func (e *exported) print(w io.Writer, dir string) error {
	t := newTable("file", "samples", "items")
	for _, f := range e.Files {
		t.AppendRow(table.Row{f.Name, f.Samples, f.Items})
	}
	if _, err := fmt.Fprintf(w, "%s\n%d of %d annotated samples and %d images are in %s\n", t.Render(), e.Samples, e.Annotations, e.Images, dir); err != nil {
		return err
	}
	if n := len(e.Absent); n > 0 {
		if _, err := fmt.Fprintf(w, "%d annotations have no sample in the manifests, such as %q.\n", n, e.Absent[:min(n, absentNamed)]); err != nil {
			return err
		}
	}
	if len(e.Failed) > 0 {
		if _, err := fmt.Fprintf(w, "left out: %s\n", reasons(e.Failed)); err != nil {
			return err
		}
	}
	return nil
}
