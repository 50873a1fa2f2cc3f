package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// An annotatedFile is an output file of annotate, with its present annotations. Annotations cost money or a person's
// time, so no annotation may be lost.
type annotatedFile struct {
	name string
	held []annotation.Annotation
}

// openAnnotated reads the annotations in a file. It returns no annotations if the file does not exist, and an error if
// the file has other content.
func openAnnotated(name string, r *rubric.Rubric) (annotatedFile, error) {
	f := annotatedFile{name: name}
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	} else if err != nil {
		return f, fmt.Errorf("reading annotations: %w", err)
	}
	if f.held, err = annotation.Read(bytes.NewReader(content), name, r); err != nil {
		return f, usageError{fmt.Errorf("--out %s: it exists, and this command did not write it; "+
			"give another file (%w)", name, err)}
	}
	return f, nil
}

// keeps returns an error if the file has annotations of samples that are not chosen.
func (f annotatedFile) keeps(chosen []datasetSample) error {
	ids := map[string]bool{}
	for _, s := range chosen {
		ids[s.annotation.ID] = true
	}
	var lost []string
	for _, a := range f.held {
		if !ids[a.ID] {
			lost = append(lost, a.ID)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("--out %s: it has %d annotations of samples that are not chosen now, such as %s, which "+
		"would be lost; give another file", f.name, len(lost), spelling.Shown(lost[0]))}
}

// replaces returns an error if an annotation in the file differs from the new annotation of the same sample.
func (f annotatedFile) replaces(annotations []annotation.Annotation) error {
	made := map[string]annotation.Annotation{}
	for _, a := range annotations {
		made[a.ID] = a
	}
	for _, held := range f.held {
		now, ok := made[held.ID]
		if ok && now.Agrees(held) {
			continue
		}
		fault := "differs from the new one"
		if !ok { // keeps did not find it
			fault = "was written by another command in the meantime"
		}
		return usageError{fmt.Errorf("--out %s: its annotation of %s %s, and would be lost; give another file: the new "+
			"ratings are kept, so this makes no request to the scorer", f.name, spelling.Shown(held.ID), fault)}
	}
	return nil
}
