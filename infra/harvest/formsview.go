package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// printForms prints the forms as which the example records were read.
func printForms(w io.Writer, v *run.Survey) error {
	for _, record := range v.Records {
		if err := printView(w, record); err != nil {
			return err
		}
	}
	return nil
}

// warnOfMixedTypes warns of fields with two types, because other programs do not load them.
func warnOfMixedTypes(w io.Writer, v *run.Survey) error {
	for _, mixed := range v.MixedTypes {
		_, err := fmt.Fprintf(w, "harvest: warning: %s: Hugging Face datasets 4.0, which LLaMA-Factory uses, does not load "+
			"a field with values of two types; a subset keeps records unchanged, so write values of one type\n", mixed)
		if err != nil {
			return err
		}
	}
	return nil
}

// printView prints the id, the source and the texts that were read from a record.
func printView(w io.Writer, v forms.View) error {
	text := fmt.Sprintf("%s read as %s: id %s, source %s\n", v.Place, formName(v.Form),
		spelling.Shown(v.ID), spelling.Shown(v.Source))
	for _, turn := range v.Turns {
		text += fmt.Sprintf("  %s: %q\n", turn.Role, turn.Text)
	}
	for i, image := range v.Images {
		text += fmt.Sprintf("  image %d: %s\n", i+1, image)
	}
	for _, field := range slices.Sorted(maps.Keys(v.Kept)) {
		text += fmt.Sprintf("  its authors' %s: %s\n", field, v.Kept[field])
	}
	_, err := io.WriteString(w, hanging(text))
	return err
}

// formName returns the name of a form as users see it.
func formName(name string) string { return forms.Counts{name: 1}.String() }

// formsOf returns the forms of the manifests of a selection, with the number of records of each form.
func formsOf(manifests []subset.Manifest) forms.Counts {
	all := forms.Counts{}
	for _, m := range manifests {
		all.AddAll(m.Forms)
	}
	return all
}
