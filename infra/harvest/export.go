package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
	"github.com/spf13/cobra"
)

func newExport() *cobra.Command {
	var (
		flags  annotatedFlags
		dir    string
		seed   uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "export --annotations FILE --out DIR MANIFEST...",
		Short: "Write annotated samples as fine-tuning data for the scorer and the styler",
		Long: `Writes a folder that a trainer of LLaVA models reads as it is: for the scorer one item per sample and
capability, for the styler one per sample, with the prompts that the models are asked later; a tenth of the
samples for validation, none of whose images is trained on; and the images. sidecar/finetune tells how to train with it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usageError{errors.New("--out is missing; give the folder to write")}
			}
			data, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			e, err := data.export(cmd.Context(), dir, seed)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), e)
			}
			return e.print(cmd.OutOrStdout(), dir)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the items and their images")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "another split into training and validation")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// export writes the folder. Annotated samples are held in memory, all others only pass.
func (data *annotated) export(ctx context.Context, dir string, seed uint64) (*exported, error) {
	samples, absent, err := data.find()
	if err != nil {
		return nil, err
	}
	fetcher, err := data.openImages(data.limits.Images)
	if err != nil {
		return nil, err
	}
	e := &exported{Annotations: len(data.annotations), Absent: append([]string{}, absent...), Failed: map[string]int{}}
	store := imageFolder{from: fetcher, to: dir, written: map[string]bool{}}
	var kept []found
	var members []finetuning.Member
	for _, f := range samples {
		names, fault, err := store.take(ctx, f.sample)
		if err != nil {
			return nil, err
		}
		if fault != nil {
			e.Failed[exportKind(fault)]++
			continue
		}
		kept = append(kept, f)
		members = append(members, finetuning.Member{ID: f.sample.ID, Images: names})
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("none of the %d annotated samples can be exported: %s", len(samples), reasons(e.Failed))
	}
	e.Samples, e.Images = len(kept), len(store.written)
	validation := finetuning.Split(members, seed)
	for _, file := range []struct {
		name       string
		validation bool
		items      func(annotation.Annotation, []string, []string, *rubric.Rubric) []finetuning.Item
	}{
		{finetuning.ScorerTrain, false, finetuning.ScorerItems},
		{finetuning.ScorerValidation, true, finetuning.ScorerItems},
		{finetuning.StylerTrain, false, finetuning.StylerItems},
		{finetuning.StylerValidation, true, finetuning.StylerItems},
	} {
		written := exportedFile{Name: file.name}
		err := writeWhole(filepath.Join(dir, file.name), func(w io.Writer) error {
			out := dataset.NewWriter(w, dataset.Array, dataset.Segment{First: true, Last: true})
			for i, f := range kept {
				if validation[i] != file.validation {
					continue
				}
				items := file.items(f.annotation, f.sample.Texts(), members[i].Images, data.rubric)
				for _, item := range items {
					if err := writeItem(out, item); err != nil {
						return err
					}
				}
				if len(items) > 0 {
					written.Samples++
					written.Items += len(items)
				}
			}
			return out.Close()
		})
		if err != nil {
			return nil, err
		}
		e.Files = append(e.Files, written)
	}
	return e, nil
}

// exportKind is the kind that a sample which cannot be exported is counted by.
func exportKind(fault *dataset.Fault) string {
	if fault.Kind == images.NotAllowed {
		return images.NotFound // no bucket is open to this command: an image in one is not there
	}
	return fault.Kind
}

func writeItem(out *dataset.Writer, item finetuning.Item) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(item); err != nil {
		return fmt.Errorf("item %s: %w", item.ID, err)
	}
	return out.Write(bytes.TrimSpace(line.Bytes()))
}
