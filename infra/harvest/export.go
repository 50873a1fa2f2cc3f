package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// An exportReport is the report of export. --json prints this object.
type exportReport struct {
	// Annotations is the number of annotations in the file: exported, absent and left out annotations together.
	Annotations int `json:"annotations"`
	Samples     int `json:"samples"`
	// Absent are ids of annotations without a sample.
	Absent []string `json:"absent"`
	// Failed counts the samples that are left out, by reason.
	Failed map[reason.Code]int `json:"failed"`
	Files  []finetuning.File   `json:"files"`
	Images int                 `json:"images"` // number of image files; equal images count once
}

func newExport() *cobra.Command {
	var (
		flags  annotationFlags
		dir    string
		seed   uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "export --annotations FILE --out DIR MANIFEST...",
		Short: "Write annotated samples as fine-tuning data for the scorer and the styler",
		Long: `Writes a folder for a trainer of LLaVA models. For the scorer it has one item per sample and capability, for
the styler one item per sample. The prompts are exactly those that the models get later. A tenth of the samples is for
validation, and the images of these samples are not used for training. The folder also has the images.
sidecar/finetune explains how to train with it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usageError{errors.New("--out is missing; give the folder to write")}
			}
			set, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			removeNew := newFolder(dir)
			unlock, err := lockOut(cmd.Context(), dir, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			report, err := set.export(cmd.Context(), flags.annotations, dir, seed)
			unlock()
			if err != nil {
				removeNew()
				return err
			}
			if asJSON {
				return api.EncodeJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout(), dir)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the items and their images")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "random seed of the split into training and validation")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// export writes the folder, which lockOut has locked. It holds only annotated samples in memory. It refuses to replace
// a file that it reads, such as the file of annotations.
func (set *annotationSet) export(
	ctx context.Context, annotations, dir string, seed uint64,
) (*exportReport, error) {
	samples, absent, err := set.find(ctx)
	if err != nil {
		return nil, err
	}
	fetcher, err := set.openImages(ctx, set.limits.Images, set.limits.Compressed)
	if err != nil {
		return nil, err
	}
	defer fetcher.Close()
	budget, err := imageMemory(set.limits.Images, kinds.Config{})
	if err != nil {
		return nil, err
	}
	report := &exportReport{
		Annotations: len(set.annotations), Absent: append([]string{}, absent...), Failed: map[reason.Code]int{},
	}
	if err := set.keepFiles(dir, annotations); err != nil {
		return nil, err
	}
	store := imageFolder{from: fetcher, memory: budget, to: dir, written: map[string]bool{}}
	var examples []finetuning.Example
	first := "" // the first sample that cannot be exported, for the error
	for _, f := range samples {
		if holdsMark(f.sample) {
			report.Failed[dataset.ImageCount]++
			continue
		}
		names, fault, err := store.take(ctx, f.manifest, f.sample)
		if err != nil {
			return nil, err
		}
		if fault != nil {
			report.Failed[exportCode(fault)]++
			first = cmp.Or(first, fmt.Sprintf("; such as sample %s, %s: %s",
				spelling.Shown(f.sample.ID), f.sample.Place, fault.Reason()))
			continue
		}
		example := finetuning.Example{Annotation: f.annotation, Texts: f.sample.Texts()}
		for _, i := range f.sample.RatedImages() {
			example.Images = append(example.Images, names[i])
		}
		examples = append(examples, example)
	}
	if len(examples) == 0 {
		return nil, fmt.Errorf("none of the annotated samples (%d) can be exported: %s%s",
			len(samples), reasons(report.Failed), first)
	}
	report.Samples, report.Images = len(examples), len(store.written)
	if err := announce(dir, finetuning.Names()); err != nil {
		return nil, err
	}
	report.Files, err = finetuning.Write(examples, set.rubric, seed, func(name string, write func(io.Writer) error) error {
		return writeWhole(filepath.Join(dir, name), write)
	})
	return report, err
}

// keepFiles returns an error if the export would overwrite a file that this command reads, or that harvest did not
// write.
func (set *annotationSet) keepFiles(dir, annotations string) error {
	for _, name := range finetuning.Names() {
		err := keepFiles("out", filepath.Join(dir, name), append([]string{annotations, set.Rubric}, set.Manifests...)...)
		if err != nil {
			return err
		}
	}
	return keepForeign(dir, finetuning.Names()...)
}

// holdsMark reports whether a sample with images has the word <image> in a text. Readers of LLaVA's form would read
// this word as one more image. In a sample without images they read it as text.
func holdsMark(s *dataset.Sample) bool {
	rated := len(s.RatedImages())
	return rated > 0 && strings.Count(strings.Join(s.Texts(), "\n"), dataset.ImageMark) != rated
}

// exportCode returns the reason code under which a sample that cannot be exported is counted.
func exportCode(fault *dataset.Fault) reason.Code {
	if fault.Code == images.NotAllowed {
		return images.NotFound // this command does not read buckets, so an image in a bucket counts as missing
	}
	return fault.Code
}

// print prints a summary of the export to a folder.
func (e *exportReport) print(w io.Writer, dir string) error {
	t := newTable("file", "samples", "items")
	for _, f := range e.Files {
		t.AppendRow(table.Row{f.Name, f.Samples, f.Items})
	}
	if _, err := fmt.Fprintf(w, "%s\nwritten to %s: %d of %s, and %s\n",
		t.Render(), dir, e.Samples, number(e.Annotations, "annotated sample"), number(e.Images, "image")); err != nil {
		return err
	}
	if err := printAbsent(w, e.Absent); err != nil {
		return err
	}
	if len(e.Failed) > 0 {
		if _, err := fmt.Fprintln(w, folded("left out: "+reasons(e.Failed), "")); err != nil {
			return err
		}
	}
	return nil
}
