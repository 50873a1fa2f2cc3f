package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/study/seedset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// An annotateReport is the final report of annotate. --json prints this object.
type annotateReport struct {
	Samples     int                   `json:"samples"`     // samples of the dataset
	Chosen      int                   `json:"chosen"`      // samples chosen for the seed set
	Annotations int                   `json:"annotations"` // annotations written
	Failed      map[reason.Code]int64 `json:"failed"`      // chosen samples without annotation, by reason
	Out         string                `json:"out"`
	Scorer      string                `json:"scorer"`
	// Run is the run that rates the seed set. Guess is the run in which the embedded scorer rates the whole dataset.
	Run     string             `json:"run"`
	Guess   string             `json:"guess"`
	Spent   *float64           `json:"spent,omitempty"` // US dollars, in all attempts at Run
	Seconds map[string]float64 `json:"seconds"`
	// Estimate is the expected time and cost. Itself is the agreement of the scorer's first and second ratings; nil if no
	// sample was rated twice.
	Estimate *purchase         `json:"estimate"`
	Itself   *agreement.Report `json:"self_agreement,omitempty"`
}

// An annotateRequest has the number of samples to annotate, and the scorer.
type annotateRequest struct {
	samples int    // number of samples; with `each`, the maximum over all sources
	each    int    // number of samples of each source; if 0, samples are chosen over all sources together
	least   int    // minimum number of samples of each source
	twice   int    // number of samples that are rated twice, before all others, to measure the scorer's self-agreement
	accept  bool   // continue even if the self-agreement is too low
	seed    uint64 // random seed; it decides between equally good samples
	by      scorerFlags
	mount   mounting
	// keeps returns an error if a choice of samples would lose existing annotations. A nil keeps accepts every choice.
	keeps func([]datasetSample) error
	// announce is called with the estimate before the first request to the scorer. If announce is nil, the estimate is
	// printed.
	announce func(*purchase)
}

func newAnnotate() *cobra.Command {
	var (
		request                     annotateRequest
		out                         outputFlags
		images, rubric, state, file string
	)
	cmd := &cobra.Command{
		Use:   "annotate MANIFEST...",
		Short: "Rate a well-chosen part of a dataset with a strong model, as training data for a scorer",
		Example: `  harvest annotate --scorer llm:https://api.openai.com/v1 --model gpt-4o --samples 2000 dataset.json
  harvest annotate --scorer llm:http://localhost:8000 --model qwen --rubric rubric.yaml --out birds.jsonl dataset.json`,
		Args: manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.samples < 1 {
				return usageError{fmt.Errorf("--samples %d: give 1 or more", request.samples)}
			}
			if file == "" {
				return usageError{errors.New("--out is empty; give the file for the annotations")}
			}
			in, err := newInput(cmd.Context(), args, images, state)
			if err == nil {
				in, err = in.withRubric(rubric)
			}
			if err != nil {
				return err
			}
			// Check these flags before the whole dataset is read.
			if _, _, err := request.by.choose(kinds.Config{}); err != nil {
				return err
			}
			if err := keepFiles("out", file, append(in.Manifests, rubric)...); err != nil {
				return err
			}
			if err := makeOut(filepath.Dir(file)); err != nil {
				return err
			}
			return in.annotateTo(cmd, file, request, state, out)
		},
	}
	imagesFlag(cmd, &images)
	rubricFlag(cmd, &rubric)
	request.by.add(cmd, kinds.LLM)
	request.mount = mountFramework
	cmd.Flags().IntVar(&request.samples, "samples", 2000, "number of samples to annotate")
	cmd.Flags().Uint64Var(&request.seed, "seed", 0, "random seed: it decides between equally good samples")
	cmd.Flags().StringVar(&file, "out", "annotations.jsonl", "file for the annotations, one JSON object per line")
	out.add(cmd)
	stateFlag(cmd, &state)
	return cmd
}

// annotateTo annotates samples and writes the annotations to a file. It fails if an annotation in the file would be
// lost or changed.
func (in input) annotateTo(
	cmd *cobra.Command, file string, request annotateRequest, state string, out outputFlags,
) error {
	rub, err := in.openRubric()
	if err != nil {
		return err
	}
	held, err := openAnnotated(file, rub)
	if err != nil {
		return err
	}
	request.keeps = held.keeps
	res := &annotateReport{Out: file, Failed: map[reason.Code]int64{}, Seconds: map[string]float64{}}
	annotations, err := res.annotate(cmd.Context(), in, request, state, out.quiet)
	if err != nil {
		return err
	}
	unlock, err := lockOut(cmd.Context(), filepath.Dir(file), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer unlock()
	if held, err = openAnnotated(file, rub); err != nil { // another command may have written it in the meantime
		return err
	}
	if err := held.replaces(annotations); err != nil {
		return err
	}
	if err := writeNamed(file, func(w io.Writer) error { return annotation.Write(w, annotations) }); err != nil {
		return err
	}
	if out.json {
		return api.EncodeJSON(cmd.OutOrStdout(), res)
	}
	return res.print(cmd.OutOrStdout())
}

// annotate chooses the seed set and rates it. Both steps are runs in the state folder, so the same command continues
// after a kill.
func (r *annotateReport) annotate(
	ctx context.Context, in input, request annotateRequest, state string, quiet bool,
) ([]annotation.Annotation, error) {
	start := time.Now()
	chosen, err := r.choose(ctx, in, request, state, quiet)
	if err != nil {
		return nil, err
	}
	if request.keeps != nil {
		if err := request.keeps(chosen); err != nil {
			return nil, err
		}
	}
	r.Seconds["choose"] = time.Since(start).Seconds()
	start = time.Now()
	show := newDisplay(quiet)
	defer show.close()
	rated, err := in.planSamples(ctx, chosen, request.by, state, show)
	if err != nil {
		return nil, err
	}
	request.twice = min(request.twice, len(chosen))
	if r.Estimate, err = rated.purchase(ctx, in, chosen, request.twice); err != nil {
		return nil, err
	}
	if request.announce != nil {
		request.announce(r.Estimate)
	} else if err := r.Estimate.print(show.notes()); err != nil {
		return nil, err
	}
	if request.twice > 0 {
		if r.Itself, err = in.askTwice(ctx, chosen, request, state, show); err != nil {
			return nil, err
		}
	}
	if err := rated.rate(ctx, show, map[string]float64{}, request.mount); err != nil {
		return nil, err
	}
	r.Seconds["annotate"] = time.Since(start).Seconds()
	r.Run, r.Scorer, r.Spent = rated.status.Run, rated.status.ScorerID, rated.status.Spent
	maps.Copy(r.Failed, rated.status.Reasons)
	annotations, err := in.annotationsOf(ctx, chosen, rated)
	r.Annotations = len(annotations)
	return annotations, err
}

// annotationsOf returns a run's annotations of the chosen samples. If there are no annotations, it returns an error.
func (in input) annotationsOf(
	ctx context.Context, chosen []datasetSample, rated *sampleRun,
) ([]annotation.Annotation, error) {
	fetcher, err := in.openImages(ctx, rated.Options.Images, rated.limits.Compressed)
	if err != nil {
		return nil, err
	}
	defer fetcher.Close()
	explain, err := rated.reasons(ctx, fetcher)
	if err != nil {
		return nil, err
	}
	var annotations []annotation.Annotation
	for i, f := range chosen {
		o, ok := rated.opinion(i)
		if !ok {
			continue
		}
		a := annotation.Annotation{ID: f.annotation.ID, Scores: o.Ratings, Styles: o.Styles}
		if a.Reason, err = explain(f); err != nil {
			return nil, err
		}
		annotations = append(annotations, a)
	}
	if len(annotations) == 0 {
		return nil, rated.unrated("chosen")
	}
	return annotations, nil
}

// reasons returns a function that returns the scorer's reason for its ratings of a sample. The reason is empty if the
// scorer gives no reasons.
func (s *sampleRun) reasons(
	ctx context.Context, fetcher *datasetImages,
) (func(datasetSample) (string, error), error) {
	opened, err := s.scorers.Open(ctx, s.ScorerKind(), s.Rubric)
	if err != nil {
		return nil, err
	}
	reasoner, ok := opened.(interface {
		Reason(ctx context.Context, item scorer.Item) (string, error)
	})
	if !ok {
		return func(datasetSample) (string, error) { return "", nil }, nil
	}
	return func(f datasetSample) (string, error) {
		hold := s.memory.NewHold(1)
		defer hold.Release()
		fetched, fault, err := fetcher.Fetch(ctx, f.manifest, f.sample, hold)
		if fault != nil || err != nil {
			return "", err // the image was deleted after the sample was rated
		}
		return reasoner.Reason(ctx, scorer.Item{Sample: f.sample, Images: fetched.Images})
	}, nil
}

// choose rates the dataset with the embedded scorer, under the default rubric, and chooses the seed set by these
// ratings.
func (r *annotateReport) choose(
	ctx context.Context, in input, request annotateRequest, state string, quiet bool,
) ([]datasetSample, error) {
	show := newDisplay(quiet)
	defer show.close()
	in.Rubric = ""
	spec := in.spec()
	spec.Scorer = kinds.Embedded
	files, err := in.bucket(spec)
	if err != nil {
		return nil, err
	}
	p, err := in.plan(ctx, spec, files, state, show)
	if err != nil {
		return nil, err
	}
	if err := p.affordable(); err != nil {
		return nil, err
	}
	if err := p.warnOfImages(ctx, show); err != nil {
		return nil, err
	}
	r.Guess, r.Samples = p.Run, int(p.Samples)
	// Do not mount the framework here. It can be mounted only once, and the session of the seed set needs it.
	err = p.deploy(in.Scorers, show).session(ctx, nil, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.Run); err != nil {
			return err
		}
		status, err := s.score(ctx, p.Run, map[string]float64{})
		if err == nil && status.Samples.Scored == 0 {
			err = errors.New(status.Failure(run.Allowance{}))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	pool, err := p.subsets.SeedPool(ctx, p.Run, request.seed)
	if err != nil {
		return nil, err
	}
	positions := seedset.Choose(pool.Pool, request.samples)
	if request.each > 0 {
		positions = seedset.ChooseOfEach(pool.Pool, request.each, request.least, request.samples)
	}
	chosen, err := in.at(ctx, positions, p.limits)
	if err == nil && len(chosen) == 0 {
		err = errors.New("no sample of the dataset can be rated; `harvest plan` shows the reasons")
	}
	r.Chosen = len(chosen)
	return chosen, err
}

// at reads the samples at ascending positions of the dataset. Each sample gets a unique name: its id, or ID#n if
// several samples have the id.
func (in input) at(ctx context.Context, positions []int, limits run.Limits) ([]datasetSample, error) {
	var samples []datasetSample
	seen := map[string]int{} // number of samples by id
	i := -1
	err := in.eachSample(ctx, limits, func(manifest int, s *dataset.Sample) error {
		i++
		seen[s.ID]++
		if len(positions) == 0 || i != positions[0] {
			return nil
		}
		positions = positions[1:]
		samples = append(samples, datasetSample{manifest: manifest, sample: s, number: seen[s.ID]})
		return nil
	})
	for i := range samples {
		samples[i].annotation.ID = dataset.Name(samples[i].sample.ID, samples[i].number, seen[samples[i].sample.ID])
	}
	return samples, err
}

func (r *annotateReport) print(w io.Writer) error {
	t := newTable("annotations", r.Annotations)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("samples of the dataset", r.Samples)
	row("chosen", r.Chosen)
	for _, code := range slices.Sorted(maps.Keys(r.Failed)) {
		row("  "+code.Phrase(), r.Failed[code])
	}
	if r.Spent != nil {
		row("spent", fmt.Sprintf("$%.4f", *r.Spent))
	}
	row("scorer", r.Scorer)
	row("run", r.Run)
	_, err := fmt.Fprintf(w, "%s\n%s\n", t.Render(), r.Out)
	return err
}
