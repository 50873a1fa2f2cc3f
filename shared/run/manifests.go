package run

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A manifestScan is the state of splitting a manifest, or the result if it is done.
type manifestScan struct {
	dataset.Scan
	// Packed is the compression of the object. The scan refers to the unpacked content.
	Packed compression.Kind `json:"packed,omitempty"`
	// Forms counts the forms of the first records in the run. It is set when the scan is done.
	Forms forms.Counts `json:"forms,omitempty"`
}

// split does one step of splitting a manifest of a plan. It continues from the state scan.
func (p *Planner) split(ctx context.Context, plan *Plan, number int, scan manifestScan) (manifestScan, error) {
	m := plan.Manifests[number]
	if scan.Packed != "" {
		m.Packed = scan.Packed
	}
	scan, err := p.scan(ctx, plan, m, scan)
	if err == nil && scan.Done {
		m.Packed = scan.Packed
		scan, err = p.take(ctx, plan, number, m, scan)
	}
	if format, ok := errors.AsType[*dataset.FormatError](err); ok {
		format.File = m.Name
		return manifestScan{}, &RefusedError{Reason: format.Error(), Err: format}
	} else if errors.Is(err, bucket.ErrNotExist) {
		return manifestScan{}, errReplaced
	} else if err != nil {
		return manifestScan{}, unread("manifests", m.Name, err)
	}
	return scan, nil
}

// scan reads a part of a manifest. At the beginning of the manifest it finds the manifest's kind.
func (p *Planner) scan(ctx context.Context, plan *Plan, m Manifest, scan manifestScan) (manifestScan, error) {
	rangeBytes, stepBytes := plan.Constants.RangeBytes, p.limits.PlanBytes
	kind, contained := kinds.ByFormat(scan.Format)
	if !contained {
		body, packed, err := p.texts.from(ctx, m, scan.Size, p.limits.Compressed)
		if err != nil {
			return scan, err
		}
		defer body.Close()
		scan.Packed, m.Packed = packed, packed
		in := bufio.NewReaderSize(body, container.HeadBytes)
		if scan.Size == 0 {
			head, _ := in.Peek(container.HeadBytes) // an error other than a short file is returned again by the next read
			kind, contained = kinds.Of(head)
		}
		if !contained {
			scan.Scan, err = scan.Next(in, rangeBytes, stepBytes)
			return scan, err
		}
	}
	var err error
	scan.Scan, err = kind.Scan(ctx, p.texts.Source(m), scan.Scan, containerRange*rangeBytes, stepBytes)
	return scan, err
}

// take removes the records that are not in the run from a finished scan, and recognises the forms of the other records.
func (p *Planner) take(
	ctx context.Context, plan *Plan, number int, m Manifest, scan manifestScan,
) (manifestScan, error) {
	var err error
	scan.Layout, err = scan.Taken(m.Take, func(span dataset.Span, from, to int64) (dataset.Span, error) {
		if kind, contained := kinds.ByFormat(scan.Format); contained {
			return narrowContained(ctx, kind, p.texts.Source(m), span, from, to, p.limits.Records)
		}
		body, err := p.texts.open(ctx, m, span)
		if err != nil {
			return dataset.Span{}, err
		}
		defer body.Close()
		return scan.Narrow(body, span, from, to, p.limits.Records)
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

// addAll adds the scans of all manifests to a plan. The error is a *RefusedError if the manifests cannot be in one
// subset.
func (p *Plan) addAll(scans []manifestScan) error {
	schemas := make([][]string, len(scans))
	for m := range scans {
		p.add(m, scans[m])
		schemas[m] = scans[m].Schema
	}
	return checkKinds(p.Manifests, schemas)
}

// add adds the scan of the next manifest to a plan.
func (p *Plan) add(number int, scan manifestScan) {
	m := &p.Manifests[number]
	m.Framing, m.Records, m.Packed, m.Forms = scan.Framing, scan.Records, scan.Packed, scan.Forms
	for _, span := range scan.Ranges {
		p.Ranges = append(p.Ranges, Range{Manifest: number, FirstIndex: p.Samples, Span: span})
		p.Samples += span.Records
	}
}

// complete sets the fields of a plan that depend on the samples of its ranges. byDefault is true if the budget of the
// selection is the service's default budget.
func (p *Planner) complete(ctx context.Context, plan *Plan, byDefault bool, rater scorer.Scorer) error {
	if plan.Samples == 0 {
		var names []string
		for _, m := range plan.Manifests {
			names = append(names, m.Name)
		}
		refused := &RefusedError{
			Reason: strings.Join(names, ", ") + ": the manifest has no records; write at least one", Err: ErrNoRecords,
		}
		if len(names) == 1 {
			refused.Object = names[0]
		}
		return refused
	}
	plan.limit()
	if err := plan.fitSelection(byDefault); err != nil {
		return p.unfit(ctx, plan, err)
	}
	if paid, ok := rater.(scorer.Paid); ok {
		if err := plan.checkPace(paid); err != nil {
			return err
		}
	}
	return plan.price(p.limits, rater)
}
