package run

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A manifestScan is how far a manifest is split, or what it was found to hold if it is done.
type manifestScan struct {
	dataset.Scan
	// Packed is how the object is compressed; the scan is that of what it unpacks to.
	Packed compression.Kind `json:"packed,omitempty"`
	// Forms counts the forms of the first records that are in the run, once the scan is done.
	Forms forms.Counts `json:"forms,omitempty"`
}

// split does one step of splitting a manifest of a plan: it goes on where scan stands.
func (p *Planner) split(ctx context.Context, plan *Plan, number int, scan manifestScan) (manifestScan, error) {
	m := plan.Manifests[number]
	if scan.Packed != "" {
		m.Packed = scan.Packed
	}
	body, packed, err := p.texts.from(ctx, m, scan.Size, p.limits.Compressed)
	if err == nil {
		defer body.Close()
		scan.Packed, m.Packed = packed, packed
		scan.Scan, err = scan.Next(body, plan.Constants.RangeBytes, p.limits.PlanBytes)
	}
	if err == nil && scan.Done {
		scan, err = p.take(ctx, plan, number, m, scan)
	}
	if format, ok := errors.AsType[*dataset.FormatError](err); ok {
		format.File = m.Name
		return manifestScan{}, &RefusedError{Reason: format.Error(), Err: format}
	} else if errors.Is(err, bucket.ErrNotExist) {
		return manifestScan{}, &RefusedError{Reason: replaced}
	} else if err != nil {
		return manifestScan{}, unread("manifests", m.Name, err)
	}
	return scan, nil
}

// take leaves in a scan that is done the records that the plan takes, and recognises their forms.
func (p *Planner) take(
	ctx context.Context, plan *Plan, number int, m Manifest, scan manifestScan,
) (manifestScan, error) {
	var err error
	scan.Layout, err = scan.Taken(m.Take, p.limits.Records, func(span dataset.Span) (io.ReadCloser, error) {
		return p.texts.open(ctx, m, span)
	})
	if err != nil {
		return scan, err
	}
	alone := *plan
	alone.Manifests, alone.Ranges = slices.Clone(plan.Manifests), nil
	alone.add(number, scan)
	scan.Forms, err = p.recognise(ctx, &alone)
	return scan, err
}

// add adds to a plan what its next manifest was found to hold.
func (p *Plan) add(number int, scan manifestScan) {
	m := &p.Manifests[number]
	m.Form, m.Records, m.Packed, m.Forms = scan.Form, scan.Records, scan.Packed, scan.Forms
	for _, span := range scan.Ranges {
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
	plan.limit()
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
