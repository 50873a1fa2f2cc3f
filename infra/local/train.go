package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newTrain() *cobra.Command {
	var (
		flags annotatedFlags
		out   outputFlags
		file  string
	)
	cmd := &cobra.Command{
		Use:   "train --annotations FILE --out WEIGHTS MANIFEST...",
		Short: "Train the embedded scorer's weights on annotated samples, under any rubric",
		Long: `Learns from annotated samples what the embedded scorer needs to rate others: minutes on two cores, no GPU. Writes
the weights, and beside them, with the ending .json, where they come from and how well they did in cross-validation.
The same samples give the same weights, byte for byte. Use them as --scorer embedded:WEIGHTS.`,
		Example: `  harvest train --annotations annotations.jsonl --out birds.weights dataset.json
  harvest curate --scorer embedded:birds.weights --budget 30% dataset.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			if file == "" {
				return usageError{errors.New("--out is missing; give the file to write the weights to")}
			}
			data, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			show := newDisplay(out.quiet)
			result, err := data.train(cmd.Context(), show)
			show.close()
			if err != nil {
				return err
			}
			t, err := newTrained(data, flags.annotations, result)
			if err != nil {
				return err
			}
			if err := t.write(file, result.Weights); err != nil {
				return err
			}
			t.Seconds = time.Since(start).Seconds()
			if out.json {
				return printJSON(cmd.OutOrStdout(), t)
			}
			return t.print(cmd.OutOrStdout(), file)
		},
	}
	flags.add(cmd)
	out.add(cmd)
	cmd.Flags().StringVar(&file, "out", "", "file for the weights")
	return cmd
}

// absentTold is how many annotations without a sample an error names.
const absentTold = 5

func (data *annotated) train(ctx context.Context, show *display) (*training.Result, error) {
	samples, absent, err := data.find()
	if err != nil {
		return nil, err
	}
	if n := len(absent); n > 0 {
		return nil, fmt.Errorf("%d of %d annotations have no sample in the manifests: %s; name all manifests that were annotated, or leave these lines out",
			n, len(data.annotations), strings.Join(quoted(absent[:min(n, absentTold)]), ", "))
	}
	l, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	learn, err := data.observe(ctx, samples, dataset.ImageLimits{MaxBytes: l.MaxImageBytes, MaxPixels: l.MaxImagePixels}, show)
	if err != nil {
		return nil, err
	}
	return training.Train(ctx, learn, data.rubric, func(done, total int) { show.update("learn", int64(done), int64(total)) })
}

func quoted(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("%q", id))
	}
	return out
}

// observe reads the images of samples and computes their features. A sample that no scorer could rate cannot be learned from: it
// is an error, for its annotation would be lost.
func (data *annotated) observe(ctx context.Context, samples []found, limits dataset.ImageLimits, show *display) ([]training.Sample, error) {
	images := imageFolder{from: data.Images, limits: limits}
	learn := make([]training.Sample, len(samples))
	var done atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range samples {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			item, hashes, reason, err := images.item(f.sample)
			if err != nil {
				return err
			}
			learn[i] = training.Sample{Annotation: f.annotation, Source: f.sample.Source, Images: hashes}
			if reason == "" {
				learn[i].Features, reason = embedded.Observe(item)
			}
			if reason != "" {
				return fmt.Errorf("annotated sample %s (%s): %s: mend it, or leave its annotation out", f.sample.ID, f.sample.Place, reason)
			}
			show.update("read", done.Add(1), int64(len(samples)))
			return nil
		})
	}
	return learn, work.Wait()
}

// item is a sample with its images, and what tells those apart: hashes of their bytes.
func (f *imageFolder) item(s *dataset.Sample) (item scorer.Item, hashes []string, reason string, err error) {
	if s.Problem != nil {
		return scorer.Item{}, nil, s.Problem.Reason(), nil
	}
	item.Sample = s
	for _, img := range s.Images {
		data, reason, err := f.read(img)
		if reason != "" || err != nil {
			return scorer.Item{}, nil, fmt.Sprintf("%s: %s", reason, img.Name), err
		}
		if err := dataset.CheckImage(data, f.limits); err != nil {
			return scorer.Item{}, nil, fmt.Sprintf("%v: %s", err, img.Name), nil
		}
		item.Images = append(item.Images, data)
		hashes = append(hashes, hashOf(data))
	}
	return item, hashes, "", nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// newTrainedFile describes a file.
func newTrainedFile(name string) (trainedFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return trainedFile{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return trainedFile{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return trainedFile{Name: filepath.Base(name), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// write writes the weights, and beside them where they come from.
func (t *trained) write(file string, w *embedded.Weights) error {
	data, err := w.Encode()
	if err != nil {
		return err
	}
	t.Weights = trainedFile{Name: filepath.Base(file), Bytes: int64(len(data)), SHA256: hashOf(data)}
	origin, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the weights: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing weights: %w", err)
	}
	if err := renameio.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("writing weights: %w", err)
	}
	if err := renameio.WriteFile(strings.TrimSuffix(file, filepath.Ext(file))+".json", append(origin, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the origin of the weights: %w", err)
	}
	return nil
}
