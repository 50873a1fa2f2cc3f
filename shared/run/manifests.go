package run

import (
	"context"
	"errors"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// split does one step of splitting a manifest of a plan: it goes on where scan stands.
func (p *Planner) split(ctx context.Context, plan *Plan, number int, scan dataset.Scan) (dataset.Scan, error) {
	m := plan.Manifests[number]
	body, err := openManifest(ctx, p.input, m, dataset.Span{Start: scan.Size, End: m.Size})
	if errors.Is(err, bucket.ErrNotExist) {
		return dataset.Scan{}, &RefusedError{Reason: replaced}
	} else if err != nil {
		return dataset.Scan{}, unread("manifests", m.Name, err)
	}
	defer body.Close()
	next, err := scan.Next(body, plan.Constants.RangeBytes, p.limits.PlanBytes)
	if format, ok := errors.AsType[*dataset.FormatError](err); ok {
		format.File = m.Name
		return dataset.Scan{}, &RefusedError{Reason: format.Error(), Err: format}
	} else if err != nil {
		return dataset.Scan{}, unread("manifests", m.Name, err)
	}
	return next, nil
}

// add adds to a plan what its next manifest was found to hold.
func (p *Plan) add(number int, layout dataset.Layout) {
	m := &p.Manifests[number]
	m.Form, m.Records = layout.Form, layout.Records
	for _, span := range layout.Ranges {
		p.Ranges = append(p.Ranges, Range{Manifest: number, FirstIndex: p.Samples, Span: span})
		p.Samples += span.Records
	}
}

// complete adds to a plan with all its ranges what follows from their samples. byDefault says that no request asks for
// the selection.
func (p *Planner) complete(plan *Plan, byDefault bool, rater scorer.Scorer) error {
	if plan.Samples == 0 {
		var names []string
		for _, m := range plan.Manifests {
			names = append(names, m.Name)
		}
		return &RefusedError{
			Reason: strings.Join(names, ", ") + ": the manifest has no records; write one at least", Err: ErrNoRecords,
		}
	}
	if err := plan.fitSelection(byDefault); err != nil {
		return err
	}
	plan.EstimatedCost = float64(plan.Samples) / 1e6 * p.limits.CostPerMillion
	if paid, ok := rater.(scorer.Paid); ok {
		if err := plan.estimate(paid); err != nil {
			return err
		}
	}
	plan.NeedsApproval = p.limits.MaxRunCost > 0 && plan.EstimatedCost > p.limits.MaxRunCost
	return nil
}
