package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
)

// outputFlags say what a command prints.
type outputFlags struct {
	quiet bool
	json  bool
}

func (f *outputFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "show no progress")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object at the end instead of tables")
}

// datasetFlags are the flags that describe a dataset.
type datasetFlags struct {
	images     string
	rubric     string
	scorer     scorerFlags
	duplicates string
}

func (f *datasetFlags) add(cmd *cobra.Command) {
	imagesFlag(cmd, &f.images)
	rubricFlag(cmd, &f.rubric)
	f.scorer.add(cmd, "embedded")
	cmd.Flags().StringVar(&f.duplicates, "duplicate-ids", string(dataset.SkipDuplicates), "what becomes of a record with the id of an earlier one: skip or keep")
}

func imagesFlag(cmd *cobra.Command, images *string) {
	cmd.Flags().StringVar(images, "images", "", "folder that image names begin in (default: the manifest's folder)")
}

func rubricFlag(cmd *cobra.Command, rubric *string) {
	cmd.Flags().StringVar(rubric, "rubric", "", "file of capabilities, styles and prompts (default: those of the paper)")
}

// scorerFlags choose what rates samples.
type scorerFlags struct{ scorer, model string }

func (f *scorerFlags) add(cmd *cobra.Command, byDefault string) {
	cmd.Flags().StringVar(&f.scorer, "scorer", byDefault, "what rates samples: embedded, embedded:FILE of weights from harvest train, gpu:URL of a sidecar, gpu:scorer=URL,styler=URL of two, or llm:URL of an OpenAI-compatible API")
	cmd.Flags().StringVar(&f.model, "model", "", "with --scorer llm: the model that rates (its key is read from LLM_API_KEY, its price from LLM_PRICES)")
}

// choose reads the flags. What they leave open is as at says, else as the environment does.
func (f scorerFlags) choose(at kinds.Config) (kind string, scorers kinds.Config, err error) {
	if scorers, err = scorersByEnvironment(); err != nil {
		return "", kinds.Config{}, err
	}
	at.LLM.Model = cmp.Or(f.model, at.LLM.Model)
	if kind, scorers, err = scorers.At(at).Choose(f.scorer); err != nil {
		return "", kinds.Config{}, usageError{fmt.Errorf("--scorer %q: %w", f.scorer, err)}
	}
	if f.model != "" && kind != kinds.LLM {
		return "", kinds.Config{}, usageError{fmt.Errorf("--model %s: is for --scorer llm:URL, and not for %s", f.model, f.scorer)}
	}
	return kind, scorers, nil
}

// input finds the dataset and describes it.
func (f datasetFlags) input(manifests []string) (input, run.Spec, error) {
	in, err := newInput(manifests, f.images)
	if err == nil {
		in, err = in.withRubric(f.rubric)
	}
	if err != nil {
		return input{}, run.Spec{}, err
	}
	spec := in.spec()
	spec.DuplicateIDs = dataset.Duplicates(f.duplicates)
	if spec.Scorer, in.Scorers, err = f.scorer.choose(kinds.Config{}); err != nil {
		return input{}, run.Spec{}, err
	}
	if err := spec.Validate(); err != nil {
		return input{}, run.Spec{}, usageError{err}
	}
	return in, spec, nil
}

func newCurate() *cobra.Command {
	var (
		sel        selectionFlags
		data       datasetFlags
		out        outputFlags
		state, dir string
	)
	cmd := &cobra.Command{
		Use:   "curate MANIFEST...",
		Short: "Score a dataset and select its best subset at a budget",
		Example: `  harvest curate --budget 30% testdata/demo/dataset.json
  harvest curate --budget 5000 --images /data/images --out picked a.json b.jsonl`,
		Args: manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := sel.specs()
			if err != nil {
				return err
			}
			in, spec, err := data.input(args)
			if err != nil {
				return err
			}
			spec.Request = asked[len(asked)-1]
			if dir == "" {
				dir = filepath.Join("out", in.Dataset)
			}
			show := newDisplay(out.quiet)
			result, err := curateDataset(cmd.Context(), in, spec, asked, state, dir, show)
			show.close()
			if err != nil {
				return err
			}
			return result.print(cmd.OutOrStdout(), out.json)
		},
	}
	sel.add(cmd)
	data.add(cmd)
	out.add(cmd)
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the subset and what explains it (default: out/<dataset>)")
	return cmd
}

func manifestArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("name at least one manifest, a JSON or JSONL file; see `%s --help`", cmd.CommandPath())}
	}
	return nil
}

// curateDataset drops a dataset into the system and waits for the selections asked for.
func curateDataset(ctx context.Context, in input, spec run.Spec, asked []selection.Request, state, dir string, show *display) (*result, error) {
	start := time.Now()
	files, err := in.bucket(spec)
	if err != nil {
		return nil, err
	}
	// Planned here first, so that a fault of the dataset is told before anything is written; without the
	// selection, because its faults are those of the command line.
	unselected := spec
	unselected.Request = selection.Request{}
	p, err := in.plan(ctx, unselected, files, state, show)
	if err != nil {
		return nil, err
	}
	if _, err := p.plan.Resolve(spec.Request); err != nil {
		return nil, usageError{err}
	}
	if err := p.tellEstimate(ctx, show); err != nil {
		return nil, err
	}
	if err := makeOut(dir); err != nil {
		return nil, err
	}
	if err := in.save(p.state, p.plan.Run); err != nil {
		return nil, err
	}
	res := &result{Run: p.plan.Run, Seconds: map[string]float64{"plan": time.Since(start).Seconds()}}
	err = withSession(ctx, files, p.work, in.Scorers, show, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.plan.Run); err != nil {
			return err
		}
		if err := res.score(ctx, s); err != nil {
			return err
		}
		return res.chooseAll(ctx, s, asked, p.work, dir)
	})
	if err != nil {
		return nil, err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, nil
}

// A plannedRun is one that is about to begin.
type plannedRun struct {
	state string
	work  bucket.Bucket
	runs  *run.Store
	plan  *run.Plan
}

// plan plans a run of the input's content in a state folder.
func (in input) plan(ctx context.Context, spec run.Spec, files bucket.Reader, state string, show *display) (*plannedRun, error) {
	state, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	l, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := planner(files, work, in.Scorers, personLog(show))
	if err != nil {
		return nil, err
	}
	plan, err := runs.NewPlan(ctx, spec, l)
	if err != nil {
		return nil, err
	}
	if plan.NeedsApproval {
		return nil, fmt.Errorf("the run is estimated at $%.2f, more than MAX_RUN_COST; raise that limit to let it begin", plan.EstimatedCost)
	}
	return &plannedRun{state, work, runs, plan}, nil
}

func makeOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w; give another with --out", err)
	}
	return nil
}

// copyOutputs copies a selection's outputs from the work bucket to a folder, and returns their paths.
func copyOutputs(ctx context.Context, work bucket.Reader, from run.Outputs, dir string) (run.Outputs, error) {
	if err := makeOut(dir); err != nil {
		return run.Outputs{}, err
	}
	to := run.Outputs{}
	for _, o := range []struct {
		object string
		path   *string
	}{{from.Subset, &to.Subset}, {from.Rejected, &to.Rejected}, {from.Picks, &to.Picks}, {from.Selection, &to.Selection}} {
		*o.path = filepath.Join(dir, filepath.Base(o.object))
		if err := copyObject(ctx, work, o.object, *o.path); err != nil {
			return run.Outputs{}, fmt.Errorf("writing %s: %w", *o.path, err)
		}
	}
	return to, nil
}

// copyObject writes an object to a file that is there whole or not at all.
func copyObject(ctx context.Context, from bucket.Reader, object, path string) error {
	body, err := from.Open(ctx, object, 0, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	return writeWhole(path, func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err
	})
}
