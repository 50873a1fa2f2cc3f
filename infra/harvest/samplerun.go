package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A sampleRun is a run on some samples of a dataset, as if the dataset had no other samples. It continues after a kill
// like any run, and no sample is scored twice.
type sampleRun struct {
	*localPlan
	input     input    // the dataset with only the manifests of these samples
	manifests [][]byte // content of these manifests
	samples   int
	status    runStatus    // set after the samples are rated
	pool      *subset.Pool // set after the samples are rated
}

// scoreSamples scores samples of a dataset in a separate run.
func (in input) scoreSamples(
	ctx context.Context, samples []datasetSample, scorer scorerFlags, state string, show *display,
	seconds map[string]float64, mount mounting,
) (*sampleRun, error) {
	s, err := in.planSamples(ctx, samples, scorer, state, show)
	if err != nil {
		return nil, err
	}
	if err := s.showEstimate(ctx, show.notes()); err != nil {
		return nil, err
	}
	return s, s.rate(ctx, show, seconds, mount)
}

// planSamples plans a run on samples of a dataset. It makes no request to the scorer.
func (in input) planSamples(
	ctx context.Context, samples []datasetSample, scorer scorerFlags, state string, show *display,
) (*sampleRun, error) {
	in, manifests, err := in.reducedTo(ctx, samples)
	if err != nil {
		return nil, err
	}
	spec := in.spec()
	// All samples may fail, because the command decides how to handle failed samples.
	if spec.MaxFailed, err = run.ParseAllowance("100%"); err != nil {
		return nil, err
	}
	if spec.Scorer, in.Scorers, err = scorer.choose(kinds.Config{}); err != nil {
		return nil, err
	}
	files, err := in.bucketOf(spec, literals(manifests))
	if err != nil {
		return nil, err
	}
	p, err := in.plan(ctx, spec, files, state, show)
	if err != nil {
		return nil, err
	}
	return &sampleRun{localPlan: p, input: in, manifests: manifests, samples: len(samples)}, p.affordable()
}

// rate scores the samples.
func (s *sampleRun) rate(ctx context.Context, show *display, seconds map[string]float64, mount mounting) error {
	if err := s.input.saveReduced(s.state, s.Run, s.manifests); err != nil {
		return err
	}
	err := s.deploy(s.input.Scorers, show).session(ctx, mount, func(ctx context.Context, running session) error {
		if err := running.begin(ctx, s.input.specObject(), s.Run); err != nil {
			return err
		}
		status, err := running.score(ctx, s.Run, seconds)
		if err != nil {
			return err
		}
		s.status, err = withSpending(ctx, s.work, status)
		return err
	})
	if err != nil {
		return err
	}
	if s.pool, err = s.subsets.Pool(ctx, s.Run); err != nil {
		return err
	}
	if s.pool.Pool.Len() != s.samples {
		return fmt.Errorf("reading the scores of run %s: it has %d samples, and %d are annotated",
			s.Run, s.pool.Pool.Len(), s.samples)
	}
	return nil
}

// unrated returns the error of a run in which no sample could be rated. which describes its samples, such as
// "annotated".
func (s *sampleRun) unrated(which string) error {
	e := s.status.Examples[reason.MostFrequent(s.status.Reasons)]
	return fmt.Errorf("none of the %s samples (%d) could be rated: %s; such as sample %s: %s",
		which, s.status.Samples.In, reasons(s.status.Reasons), e.ID, e.Reason)
}

// reducedTo returns the input with only the manifests that hold the samples. It also returns the content of these
// manifests, reduced to the samples.
func (in input) reducedTo(ctx context.Context, samples []datasetSample) (input, [][]byte, error) {
	limits, err := limits(ctx)
	if err != nil {
		return input{}, nil, err
	}
	reduced := in
	reduced.Dataset += "-annotated"
	reduced.Manifests, reduced.Recipe, reduced.Listed = nil, nil, nil
	var contents [][]byte
	for i, name := range in.Manifests {
		var own []*dataset.Sample
		for _, f := range samples {
			if f.manifest == i {
				own = append(own, f.sample)
			}
		}
		if len(own) == 0 {
			continue
		}
		content, err := reducedManifest(ctx, name, limits.Compressed, own)
		if err != nil {
			return input{}, nil, err
		}
		reduced.Manifests = append(reduced.Manifests, name)
		if len(in.Listed) > 0 {
			reduced.Listed = append(reduced.Listed, recipeListing{Reading: in.Listed[i].Reading})
		}
		contents = append(contents, content)
	}
	return reduced, contents, nil
}

// reducedManifest returns a manifest with only some samples of another manifest: a JSON array of their records, or a
// container of the same kind.
func reducedManifest(
	ctx context.Context, name string, packed compression.Limits, samples []*dataset.Sample,
) ([]byte, error) {
	kind, contained, err := containerKind(name)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if contained {
		file, err := openManifest(ctx, name, packed)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		var records []dataset.Record
		for _, s := range samples {
			records = append(records, s.Record())
		}
		err = writeContained(ctx, &content, kind, file.File, records)
		return content.Bytes(), err
	}
	w := dataset.NewWriter(&content, dataset.Array, dataset.Part{First: true, Last: true})
	for _, s := range samples {
		if err := w.Write(s.Raw); err != nil {
			return nil, fmt.Errorf("sample %s: %w", spelling.Shown(s.ID), err)
		}
	}
	err = w.Close()
	return content.Bytes(), err
}

// literals returns manifests in the form of bucket contents.
func literals(manifests [][]byte) []bucket.Content {
	contents := make([]bucket.Content, len(manifests))
	for i, m := range manifests {
		contents[i] = bucket.Literal(m)
	}
	return contents
}

// saveReduced stores the input of a run whose manifests this program made, so that resume and retry find them.
func (in input) saveReduced(state, runID string, manifests [][]byte) error {
	reduced := in
	reduced.Manifests = nil
	for i, m := range manifests {
		name := filepath.Join(state, "inputs", runID, in.manifestName(i))
		if err := remember(state, name, m); err != nil {
			return err
		}
		reduced.Manifests = append(reduced.Manifests, name)
	}
	return reduced.save(state, runID)
}

// opinion returns the scorer's opinion of the i-th sample. It returns false if the scorer could not rate the sample.
func (s *sampleRun) opinion(i int) (agreement.Opinion, bool) {
	if s.pool.Status[i] != scores.OK {
		return agreement.Opinion{}, false
	}
	var o agreement.Opinion
	pool := s.pool.Pool
	for c := range pool.Capabilities {
		o.Ratings = append(o.Ratings, pool.Ratings[c][i])
		o.Expected = append(o.Expected, scorer.FromUnits(pool.Expected[c][i]))
	}
	for _, style := range pool.Style[pool.StyleStart[i]:pool.StyleStart[i+1]] {
		o.Styles = append(o.Styles, pool.StyleNames[style])
	}
	return o, true
}
