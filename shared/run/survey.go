package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"golang.org/x/sync/errgroup"
)

// A Survey describes a dataset before it is scored.
type Survey struct {
	Samples  int64 `json:"samples"`
	Valid    int64 `json:"valid"` // samples with a valid structure and without a missing image
	TextOnly int64 `json:"text_only"`
	// ImagesFound and ImagesMissing count the images that valid records name.
	ImagesFound   int64 `json:"images_found"`
	ImagesMissing int64 `json:"images_missing"`
	TextBytes     int64 `json:"text_bytes"` // bytes of the conversations of valid records
	Shards        int   `json:"shards"`
	// Forms counts the records by form. Records shows how three records were read, of different forms if possible.
	Forms   forms.Counts `json:"forms"`
	Records []forms.View `json:"records"`
	// MixedTypes names the fields whose values have several types.
	MixedTypes []string `json:"mixed_types,omitempty"`
	// Sources counts samples by source. Problems counts samples with a problem by code. Examples are the first three such
	// samples of each code.
	Sources  map[string]int64         `json:"sources"`
	Problems map[reason.Code]int64    `json:"problems"`
	Examples map[reason.Code][]string `json:"examples"`
	// PerSecond is the measured speed of this machine on some samples. Seconds is the estimated time for all valid
	// samples. For a paid scorer, both come from its Estimate.
	PerSecond float64 `json:"samples_per_second"`
	Seconds   float64 `json:"estimated_seconds"`
	// Estimate is the estimate of a paid scorer, for which no samples are rated; nil for other scorers.
	Estimate *scorer.Estimate `json:"estimate,omitempty"`
	// Reach is the report on the distance of the rated samples from the scorer's training data; nil if it is not known.
	Reach *reach.Report `json:"reach,omitempty"`
}

const (
	// surveyBatch is the number of records whose images are looked up together.
	surveyBatch = 512
	// surveyExamples is the number of examples for each code.
	surveyExamples = 3
)

// Survey reads a planned dataset and looks up its images. It rates only some samples, to estimate the time.
func (p *Planner) Survey(ctx context.Context, plan *Plan) (*Survey, error) {
	v := &Survey{
		Sources: map[string]int64{}, Problems: map[reason.Code]int64{}, Examples: map[reason.Code][]string{},
		Forms: forms.Counts{},
	}
	var (
		types forms.Types
		shown viewSelection
	)
	tried := newTrialSamples()
	for r := range plan.Ranges {
		shard := shardSize{limits: plan.Constants}
		var waiting []*dataset.Sample
		flush := func() error {
			valid, err := p.look(ctx, plan, v, waiting)
			tried.add(r, valid)
			waiting = waiting[:0]
			return err
		}
		err := EachRecord(ctx, p.texts, plan, r, func(sample *dataset.Sample) error {
			if !shard.takes(sample) {
				shard = shardSize{limits: plan.Constants}
			}
			if shard.samples == 0 {
				v.Shards++
			}
			shard.add(sample)
			v.Samples++
			v.Sources[sample.Source]++
			v.Forms.Add(sample)
			if !sample.Place.InContainer() { // mixed types matter only for programs that load JSON as columns
				types.Add(sample.Raw)
			}
			shown.add(sample)
			if waiting = append(waiting, sample); len(waiting) < surveyBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return nil, err
		}
		if err := flush(); err != nil {
			return nil, err
		}
	}
	v.MixedTypes, v.Records = types.Mixed(), shown.views()
	return v, p.try(ctx, plan, v, tried)
}

// look counts the problems and images of some samples, and returns the valid samples.
func (p *Planner) look(
	ctx context.Context, plan *Plan, v *Survey, samples []*dataset.Sample,
) ([]dataset.Sample, error) {
	missing, err := p.missingImages(ctx, plan, samples)
	if err != nil {
		return nil, err
	}
	var valid []dataset.Sample
	for i, sample := range samples {
		fault := images.CheckCount(sample, plan.Options.Images)
		switch {
		case sample.Problem != nil:
			fault = &sample.Problem.Fault
		case fault != nil:
		case len(missing[i]) > 0:
			fault = missing[i][0]
		default:
			valid = append(valid, *sample)
		}
		if sample.Problem == nil && (fault == nil || fault.Code != images.TooMany) {
			v.ImagesMissing += int64(len(missing[i]))
			v.ImagesFound += int64(len(sample.Images) - len(missing[i]))
			if len(sample.Images) == 0 {
				v.TextOnly++
			}
		}
		if fault == nil {
			v.Valid++
			for _, text := range sample.Texts() {
				v.TextBytes += int64(len(text))
			}
			continue
		}
		v.Problems[fault.Code]++
		if len(v.Examples[fault.Code]) < surveyExamples {
			v.Examples[fault.Code] = append(v.Examples[fault.Code], fmt.Sprintf("%s: %s", sample.Place,
				strings.TrimSuffix(fault.Reason(), images.ThenRetry))) // there may be no run to retry
		}
	}
	return valid, nil
}

// missingImages returns, for each sample, the faults of images that cannot be found. It skips samples with a problem or
// with too many images.
func (p *Planner) missingImages(
	ctx context.Context, plan *Plan, samples []*dataset.Sample,
) ([][]*dataset.Fault, error) {
	fetcher, err := p.loader.images(plan)
	if err != nil {
		return nil, err
	}
	missing := make([][]*dataset.Fault, len(samples))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, sample := range samples {
		if sample.Problem != nil || images.CheckCount(sample, plan.Options.Images) != nil {
			continue
		}
		group.Go(func() error {
			for _, img := range sample.Images {
				if img.Name == "" {
					continue
				}
				_, fault, err := fetcher.Locate(ctx, img.Name)
				if err != nil {
					return err
				}
				if fault != nil {
					missing[i] = append(missing[i], fault)
				}
			}
			return nil
		})
	}
	return missing, group.Wait()
}

// try rates some samples, and estimates the time for all samples. A paid scorer estimates the time without rating.
func (p *Planner) try(ctx context.Context, plan *Plan, v *Survey, tried *trialSamples) error {
	samples, ranges := tried.all()
	if len(samples) == 0 {
		return nil
	}
	rater, err := p.open(ctx, plan.ScorerKind(), plan.Rubric)
	if err != nil {
		return err
	}
	if paid, ok := rater.(scorer.Paid); ok {
		e := paid.Estimate(scorer.Load{Samples: v.Valid, Images: v.ImagesFound, TextBytes: v.TextBytes})
		v.Estimate, v.Seconds, v.PerSecond = &e, e.Seconds, float64(v.Valid)/e.Seconds
		return nil
	}
	records := make([]scores.Record, len(samples))
	for i := range records {
		records[i].Status, records[i].Range, records[i].Source = scores.OK, ranges[i], samples[i].Source
	}
	start := time.Now()
	err = p.loader.each(ctx, plan, rater, samples, records, func(b batch) error { return b.rate(ctx, rater, records) })
	if err != nil {
		return err
	}
	v.PerSecond = float64(len(samples)) / time.Since(start).Seconds()
	v.Seconds = float64(v.Valid) / v.PerSecond
	v.Reach = reachOf(plan.Reach, records)
	v.Reach.Weigh(v.Sources)
	return nil
}

// reachOf returns the report on the distance of rated samples from their scorer's training data; nil without a scale.
func reachOf(scale *reach.Scale, records []scores.Record) *reach.Report {
	if scale == nil {
		return nil
	}
	tallies := map[string]*reach.Tally{}
	for i := range records {
		if r := &records[i]; r.Status == scores.OK && r.Distance > 0 {
			if tallies[r.Source] == nil {
				tallies[r.Source] = &reach.Tally{}
			}
			tallies[r.Source].Add(scale.BandOf(r.Distance), slices.Values(r.Ratings))
		}
	}
	return scale.Report(tallies)
}
