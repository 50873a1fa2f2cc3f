package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/dataset/recipe"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A savedRecipe is a copy of the file that listed the manifests of a dataset.
type savedRecipe struct {
	Path    string `json:"path"` // absolute
	Content []byte `json:"content"`
}

// A recipeListing is a recipe's entry for a manifest.
type recipeListing struct {
	Entry   int           `json:"entry"` // number of the entry in the recipe, from 0
	Reading forms.Reading `json:"reading,omitzero"`
	Take    dataset.Take  `json:"take,omitzero"`
}

// listing returns the recipe's entry for the source.
func (s source) listing() recipeListing {
	return recipeListing{Entry: s.number, Reading: s.entry.Reading, Take: s.entry.Take}
}

// A subsetRecipe is the recipe of a subset: one file with the selected records of each entry, and the file that lists
// these files.
type subsetRecipe struct {
	name  string // name of the recipe's file; empty if the dataset has no recipe
	kind  recipe.Kind
	parts []recipe.Part
}

// subsetRecipe returns the recipe of a selection from the dataset.
func (in input) subsetRecipe(sel *subset.Selection) (subsetRecipe, error) {
	if in.Recipe == nil || len(in.Listed) != len(sel.Manifests) {
		return subsetRecipe{}, nil
	}
	listed, err := recipe.Parse(in.Recipe.Content)
	if err != nil || listed == nil {
		return subsetRecipe{}, fmt.Errorf("reading the recipe %s again: %w", in.Recipe.Path, err)
	}
	r := subsetRecipe{name: filepath.Base(in.Recipe.Path), kind: listed.Kind}
	selected := make([]int, len(listed.Entries))
	for i, m := range sel.Manifests {
		selected[in.Listed[i].Entry] += m.Selected
	}
	for i, n := range selected {
		if n == 0 {
			continue
		}
		entry := listed.Entries[i]
		file := partFile(i+1, entry.Name, filepath.Ext(sel.Outputs.Subset))
		r.parts = append(r.parts, recipe.Part{Entry: entry, File: file, Records: n})
	}
	return r, nil
}

// notInFiles matches characters of an entry's name that a file's name must not have.
var notInFiles = regexp.MustCompile(`[^\pL\pM\pN._-]+`)

// maxPartName is the maximum number of bytes of an entry's name in a file's name. File systems allow file names of 255
// bytes.
const maxPartName = 120

// partFile returns the name of the file of an entry. The entry's number makes it unique, and the entry's name makes it
// readable.
func partFile(number int, entry, extension string) string {
	entry = notInFiles.ReplaceAllString(entry, "-")
	for len(entry) > maxPartName {
		_, size := utf8.DecodeLastRuneInString(entry)
		entry = entry[:len(entry)-size]
	}
	if entry = strings.Trim(entry, "-._"); entry != "" {
		entry = "-" + entry
	}
	return fmt.Sprintf("part-%d%s%s", number, entry, extension)
}

// files returns the names of the files of the recipe.
func (r subsetRecipe) files() []string {
	if r.name == "" {
		return nil
	}
	names := []string{r.name}
	for _, part := range r.parts {
		names = append(names, part.File)
	}
	return names
}

// write divides a subset into the parts of the recipe, in a folder, and writes the recipe last.
func (r subsetRecipe) write(ctx context.Context, dir, subset string) error {
	if r.name == "" {
		return nil
	}
	from, err := openSubset(ctx, subset)
	if err != nil {
		return err
	}
	defer from.Close()
	for _, part := range r.parts {
		err := writeWhole(filepath.Join(dir, part.File), func(w io.Writer) error {
			return from.copy(ctx, w, part.Records)
		})
		if err != nil {
			return err
		}
	}
	listed, err := r.kind.Write(r.parts)
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, r.name), func(w io.Writer) error {
		_, err := w.Write(listed)
		return err
	})
}

// A subsetFile is a subset whose records are read one after the other.
type subsetFile struct {
	*os.File
	format dataset.Format
	kind   container.Kind // kind of container
	next   func() (dataset.Record, error, bool)
	stop   func()
}

func openSubset(ctx context.Context, name string) (*subsetFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f := &subsetFile{File: file, format: dataset.Format(strings.TrimPrefix(filepath.Ext(name), "."))}
	if f.kind, _, err = kinds.OfFile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f.next, f.stop = iter.Pull2(records(ctx, file))
	return f, nil
}

// copy writes a complete file with the next n records.
func (f *subsetFile) copy(ctx context.Context, w io.Writer, n int) error {
	if f.kind.Format == "" {
		out := f.writer(w)
		if err := f.each(n, func(_ int, record dataset.Record) error { return out.Write(record.Raw) }); err != nil {
			return err
		}
		return out.Close()
	}
	var taken []dataset.Record
	err := f.each(n, func(_ int, record dataset.Record) error {
		taken = append(taken, dataset.Record{Place: record.Place, Stored: record.Stored})
		return nil
	})
	if err != nil {
		return err
	}
	return writeContained(ctx, w, f.kind, f.File, taken)
}

// writeContained writes records of a container as a separate file.
func writeContained(
	ctx context.Context, w io.Writer, kind container.Kind, file *os.File, records []dataset.Record,
) error {
	part := dataset.Part{First: true, Last: true}
	notes, err := kind.Part(ctx, w, container.FileSource(file), records, part)
	if err != nil {
		return err
	}
	return kind.End(w, bytes.NewReader(notes))
}

// Close closes the file.
func (f *subsetFile) Close() error {
	f.stop()
	return f.File.Close()
}

// writer writes records in the format of the subset.
func (f *subsetFile) writer(w io.Writer) *dataset.Writer {
	return dataset.NewWriter(w, f.format, dataset.Part{First: true, Last: true})
}

// each calls use for each of the next n records, with the record's number from 1.
func (f *subsetFile) each(n int, use func(number int, record dataset.Record) error) error {
	for number := range n {
		record, err, ok := f.next()
		if !ok {
			return fmt.Errorf("%s: the file has fewer records than were selected: it has changed; repeat the command", f.Name())
		}
		if err == nil {
			err = use(number+1, record)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// records returns the records of a manifest, byte for byte.
func records(ctx context.Context, file *os.File) iter.Seq2[dataset.Record, error] {
	return func(yield func(dataset.Record, error) bool) {
		limits := dataset.Limits{MaxRecordBytes: math.MaxInt32}
		err := kinds.EachSample(ctx, file, "", limits, dataset.NewSample, func(s *dataset.Sample) error {
			record := s.Record()
			record.Raw = s.Raw
			if !yield(record, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(dataset.Record{}, err)
		}
	}
}

// errStopped stops the reading of a manifest.
var errStopped = errors.New("stopped")

// noteRepeats prints a note for each entry of the recipe whose records a trainer would use more or less than once. A
// subset has each record once.
func (in input) noteRepeats(w io.Writer) error {
	if in.Recipe == nil {
		return nil
	}
	listed, err := recipe.Parse(in.Recipe.Content)
	if err != nil || listed == nil {
		return err
	}
	for _, entry := range listed.Entries {
		if note := entry.Note(); note != "" {
			if _, err := fmt.Fprintln(w, "harvest:", note); err != nil {
				return err
			}
		}
	}
	return nil
}
