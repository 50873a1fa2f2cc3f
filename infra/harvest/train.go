package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// A trainReport is the report of train. --json prints this object. The file next to the weights has it without seconds.
type trainReport struct {
	*training.Origin
	Seconds float64 `json:"seconds,omitempty"`

	capabilities, styles []string
}

func newTrain() *cobra.Command {
	var (
		flags annotationFlags
		out   outputFlags
		files trainFiles
		add   string
	)
	cmd := &cobra.Command{
		Use:   "train (--add | --annotations) FILE --out WEIGHTS MANIFEST...",
		Short: "Train the embedded scorer's weights on annotated samples, under any rubric",
		Long: `Trains the embedded scorer on annotated samples: minutes on two cores, no GPU. --add also uses the training
data of the embedded weights, so ten samples of each source of your own are enough. --annotations uses only your
samples: use it with 1,000 samples or more, or with a rubric of your own. The command writes the weights, and next to
them a file with the extension .json, which has their origin and their results in cross-validation. The same samples
give the same weights, byte for byte. Use them as --scorer embedded:WEIGHTS.`,
		Example: `  harvest train --add annotations.jsonl --out own.zst dataset.json
  harvest train --annotations annotations.jsonl --rubric birds.yaml --out birds.zst dataset.json
  harvest curate --scorer embedded:own.zst --budget 30% dataset.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			if err := files.check(add, flags.annotations); err != nil {
				return err
			}
			flags.annotations = cmp.Or(add, flags.annotations)
			files.annotations = flags.annotations
			set, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			if err := files.keepInputs(set.input); err != nil {
				return err
			}
			learn := set.train
			if add != "" {
				learn = set.trainOn
			}
			show := newDisplay(out.quiet)
			report, err := learn(cmd.Context(), files, show)
			show.close()
			if err != nil {
				return err
			}
			report.Seconds = time.Since(start).Seconds()
			if out.json {
				return api.EncodeJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout(), files.weights)
		},
	}
	flags.add(cmd)
	out.add(cmd)
	cmd.Flags().StringVar(&files.weights, "out", "", "file for the weights")
	cmd.Flags().StringVar(&add, "add", "",
		"file of annotations to train on, together with the training data of the embedded weights")
	cmd.Flags().StringVar(&files.base, "base", "",
		"also write the training data (annotations and features, without texts and images) to this file")
	return cmd
}

// absentInError is the maximum number of annotations without a sample that an error names.
const absentInError = 5

// train trains only on the samples of the set, and writes the weights.
func (set *annotationSet) train(ctx context.Context, files trainFiles, show *display) (*trainReport, error) {
	learn, err := set.learnable(ctx, show)
	if err != nil {
		return nil, err
	}
	result, err := training.Train(ctx, learn, set.rubric, func(done, total int) {
		show.update(learnStage, int64(done), int64(total))
	})
	if err != nil {
		return nil, err
	}
	unlock, err := files.lock(ctx, show)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if files.base != "" {
		data, err := result.Base.Encode()
		if err != nil {
			return nil, err
		}
		if err := writeNamed(files.base, contentOf(data)); err != nil {
			return nil, err
		}
	}
	return set.writeTrained(files, "--annotations", result.Weights, result.Origin(set.rubric, time.Now()))
}

// learnable returns the annotated samples with their features.
func (set *annotationSet) learnable(ctx context.Context, show *display) ([]training.Sample, error) {
	samples, absent, err := set.find(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(absent); n > 0 {
		return nil, fmt.Errorf("%d of %d annotations have no sample in the manifests: %s; "+
			"name all manifests that were annotated, or remove these lines",
			n, len(set.annotations), strings.Join(quoted(absent[:min(n, absentInError)]), ", "))
	}
	return set.observe(ctx, samples, show)
}

// writeTrained writes weights and their origin to files that the caller has locked. flag is the name of the flag for
// the annotations.
func (set *annotationSet) writeTrained(
	files trainFiles, flag string, weights *embedded.Weights, origin *training.Origin,
) (*trainReport, error) {
	if err := set.describe(origin, flag, files); err != nil {
		return nil, err
	}
	if files.teacher != "" || origin.Added != nil {
		weights.Taught = &embedded.Taught{
			Teacher: cmp.Or(files.teacher, "file"), Annotations: origin.Annotations.SHA256[:12],
		}
	}
	report := &trainReport{Origin: origin, capabilities: set.rubric.Capabilities, styles: set.rubric.Styles}
	return report, writeWeights(files.weights, weights, origin)
}

// quoted puts ids in quotation marks.
func quoted(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("%q", id))
	}
	return out
}

// observe reads the images of samples and computes their features. It returns an error if a sample cannot be rated,
// because its annotation would be lost.
func (set *annotationSet) observe(
	ctx context.Context, samples []datasetSample, show *display,
) ([]training.Sample, error) {
	fetcher, err := set.openImages(ctx, set.limits.Images, set.limits.Compressed)
	if err != nil {
		return nil, err
	}
	defer fetcher.Close()
	budget, err := imageMemory(set.limits.Images, kinds.Config{})
	if err != nil {
		return nil, err
	}
	observer := embedded.NewObserver(budget)
	learn := make([]training.Sample, len(samples))
	var done atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range samples {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var err error
			if learn[i], err = s.observe(ctx, fetcher, budget, observer); err != nil {
				return err
			}
			show.update("read", done.Add(1), int64(len(samples)))
			return nil
		})
	}
	return learn, work.Wait()
}

// observe returns an annotated sample with its features and the hashes of its images.
func (s datasetSample) observe(
	ctx context.Context, fetcher *datasetImages, budget *memory.Budget, observer *embedded.Observer,
) (training.Sample, error) {
	refuse := func(reason, detail string) (training.Sample, error) {
		return training.Sample{}, fmt.Errorf("annotated sample %s (%s): %s: fix the sample, or remove its annotation%s",
			s.sample.ID, s.sample.Place, reason, detail)
	}
	if s.sample.Problem != nil {
		return refuse(s.sample.Problem.Reason(), "")
	}
	hold := budget.NewHold(1)
	defer hold.Release()
	fetched, fault, err := fetcher.Fetch(ctx, s.manifest, s.sample, hold)
	if err != nil {
		return training.Sample{}, err
	}
	if fault != nil {
		return refuse(fault.Code.Text(fault.Field), ": "+fault.Detail)
	}
	features, fault, err := observer.Observe(ctx, scorer.Item{Sample: s.sample, Images: fetched.Images})
	if err != nil {
		return training.Sample{}, err
	}
	if fault != nil {
		return refuse(fault.Reason(), "")
	}
	learned := training.Sample{Annotation: s.annotation, Source: s.sample.Source, Features: features}
	for _, data := range fetched.Images {
		learned.Images = append(learned.Images, images.HashOf(data).String())
	}
	return learned, nil
}

// describe adds the command and its input files to the origin of weights.
func (set *annotationSet) describe(o *training.Origin, flag string, files trainFiles) (err error) {
	o.Command = "harvest train " + flag + " " + filepath.Base(files.annotations)
	if o.Annotations, err = training.ReadFile(files.annotations); err != nil {
		return err
	}
	for _, m := range set.Manifests {
		f, err := training.ReadFile(m)
		if err != nil {
			return err
		}
		o.Manifests = append(o.Manifests, f)
		o.Command += " --manifest " + f.Name
	}
	if set.Images != filepath.Dir(set.Manifests[0]) {
		o.Command += " --images " + filepath.Base(set.Images)
	}
	if set.Rubric != "" {
		o.Command += " --rubric " + filepath.Base(set.Rubric)
	}
	o.Command += " --out " + filepath.Base(files.weights)
	return nil
}

// writeWeights writes weights to a file, and their origin to a file next to it.
func writeWeights(file string, w *embedded.Weights, o *training.Origin) error {
	data, err := w.Encode()
	if err != nil {
		return err
	}
	o.Weights = training.NewFile(file, data)
	origin, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the weights: %w", err)
	}
	if err := writeNamed(file, contentOf(data)); err != nil {
		return err
	}
	return writeNamed(originFile(file), contentOf(append(origin, '\n')))
}

// contentOf returns a function that writes data.
func contentOf(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// print prints the results of cross-validation for the weights in a file.
func (t *trainReport) print(w io.Writer, file string) error {
	if t.Added != nil {
		return t.printAdded(w, file)
	}
	tables := []string{t.seenTable().Render(), t.styleTable().Render()}
	about := "Agreement with annotations that were left out of the training. For seen sources, images were left out; " +
		"for unseen sources, whole sources.\n"
	if t.Pools != nil {
		tables = append(tables, poolsTable(t.Pools, t.capabilities).Render())
		about += poolsLine(t.Pools) + "The sources of each pool were left out of the training: " +
			"expect these figures on new sources.\n"
	}
	if t.Reach != nil {
		tables = append(tables, reachTable(t.Reach).Render())
		about += reachLine(t.Reach)
	}
	about += fmt.Sprintf("Weights for %d capabilities and %d styles, trained on %d samples of %s: %s (%d bytes). "+
		"Use them with:\n", len(t.capabilities), len(t.styles), t.Samples, number(t.Sources, "source"), file,
		t.Weights.Bytes)
	_, err := fmt.Fprintf(w, "\n%s\n\n%s  --scorer embedded:%s\n", strings.Join(tables, "\n\n"), foldedLines(about), file)
	return err
}

// seenTable returns a table of the agreement on samples of seen sources, and its mean on unseen sources.
func (t *trainReport) seenTable() table.Writer {
	rows := newTable("seen sources", "Spearman", "QW kappa", "within source")
	row := func(name string, f training.Figures) {
		rows.AppendRow(table.Row{name, figure(f.Spearman), figure(f.QWK), figure(f.WithinSource)})
	}
	for _, name := range t.capabilities {
		row(name, t.SeenSources.Capabilities[name])
	}
	rows.AppendSeparator()
	row("mean", t.SeenSources.Mean)
	if t.UnseenSources != nil {
		row("mean on all unseen sources", t.UnseenSources.Mean)
	}
	return rows
}

// styleTable returns a table of the agreement on styles.
func (t *trainReport) styleTable() table.Writer {
	rows := newTable("style", "seen sources: F1", "unseen sources: F1")
	row := func(name string, of func(*training.Validation) agreement.Value) {
		unseen := "-"
		if t.UnseenSources != nil {
			unseen = figure(of(t.UnseenSources))
		}
		rows.AppendRow(table.Row{name, figure(of(t.SeenSources)), unseen})
	}
	for _, name := range t.styles {
		row(name, func(v *training.Validation) agreement.Value { return v.Styles[name] })
	}
	rows.AppendSeparator()
	row("all", func(v *training.Validation) agreement.Value { return v.MicroF1 })
	return rows
}
