package run

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
)

// A RangeReport is what is known of a range once it is cut: runs/<run>/ranges/<range>.json.
type RangeReport struct {
	Range   int   `json:"range"`
	Samples int64 `json:"samples"`
	// Shards holds the number of samples of each shard.
	Shards []int `json:"shards"`
	// Problems counts faulty records by kind; Examples are the first of them.
	Problems map[string]int     `json:"problems,omitempty"`
	Examples []*dataset.Problem `json:"examples,omitempty"`
}

const maxExamples = 20

// ManifestChanged is the kind of problem of every record of a range whose manifest was replaced before it was read.
const ManifestChanged = "manifest changed"

// CutRange reads one range of a run once, writes its shards, and publishes a message for each
// shard. Repeated, it publishes what is still unscored.
func (s *Store) CutRange(ctx context.Context, task events.RangeTask, delivery string) error {
	plan, err := s.working(ctx, task.Run)
	if plan == nil || err != nil {
		return err
	}
	if task.Range < 0 || task.Range >= len(plan.Ranges) {
		return events.DataError(fmt.Errorf("run %s has no range %d", plan.Run, task.Range))
	}
	if cut, err := s.exists(ctx, rangeName(plan.Run, task.Range)); err != nil {
		return err
	} else if !cut {
		if err := s.writeShards(ctx, plan, task.Range); err != nil {
			return fmt.Errorf("cutting range %d of run %s: %w", task.Range, plan.Run, err)
		}
	}
	if err := s.publishUnscored(ctx, plan, task.Range); err != nil {
		return err
	}
	return s.Advance(ctx, plan, task.Range, delivery)
}

// working is the plan of a run on which work is to be done; nil if it was cancelled or waits for approval.
func (s *Store) working(ctx context.Context, run string) (*Plan, error) {
	plan, err := s.Plan(ctx, run)
	if errors.Is(err, ErrNoRun) {
		return nil, events.DataError(err)
	} else if err != nil {
		return nil, err
	}
	if cancelled, err := s.exists(ctx, cancelledName(run)); cancelled || err != nil {
		return nil, err
	}
	if plan.NeedsApproval {
		if approved, err := s.exists(ctx, approvedName(run)); !approved || err != nil {
			return nil, err
		}
	}
	return plan, nil
}

func (s *Store) writeShards(ctx context.Context, plan *Plan, r int) error {
	report := RangeReport{Range: r, Problems: map[string]int{}}
	var shard []dataset.Sample
	bytes, ahead := 0, 0
	flush := func() error {
		number := len(report.Shards)
		written, err := s.create(ctx, shardName(plan.Run, r, number), func(w io.Writer) error {
			return dataset.WriteShard(w, shard)
		})
		kept := shard
		if err == nil && !written {
			// Another delivery wrote it, perhaps before the manifest was replaced: what it holds counts.
			kept, err = s.readShard(ctx, plan.Run, r, number)
		}
		if err != nil {
			return err
		}
		report.add(kept)
		ahead = max(len(kept)-len(shard), 0)
		shard = append(shard[:0], shard[min(len(kept), len(shard)):]...)
		bytes = 0
		for i := range shard {
			bytes += len(shard[i].Raw)
		}
		return nil
	}
	err := s.EachRecord(ctx, plan, r, func(sample *dataset.Sample) error {
		if len(shard) > 0 && bytes+len(sample.Raw) > plan.Constants.ShardBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		if ahead > 0 {
			ahead--
			return nil
		}
		shard = append(shard, *sample)
		bytes += len(sample.Raw)
		if len(shard) == plan.Constants.ShardSamples {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	for len(shard) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	_, err = s.createJSON(ctx, rangeName(plan.Run, r), report)
	return err
}

// add takes a shard into the report.
func (r *RangeReport) add(shard []dataset.Sample) {
	r.Shards = append(r.Shards, len(shard))
	r.Samples += int64(len(shard))
	for i := range shard {
		if p := shard[i].Problem; p != nil {
			r.Problems[p.Kind]++
			if len(r.Examples) < maxExamples {
				r.Examples = append(r.Examples, p)
			}
		}
	}
}

// EachRecord reads a range of a plan and calls use for each of its records, in order.
func (s *Store) EachRecord(ctx context.Context, plan *Plan, r int, use func(*dataset.Sample) error) error {
	rng := plan.Ranges[r]
	m := plan.Manifests[rng.Manifest]
	body, err := s.openManifest(ctx, m, rng.Span)
	if errors.Is(err, bucket.ErrNotExist) {
		return lostRecords(m, rng.Span, use)
	} else if err != nil {
		return err
	}
	defer body.Close()
	reader, err := dataset.NewReader(body, m.Format, rng.Span, m.base(), plan.Options.Options)
	if err != nil {
		return err
	}
	for {
		sample, err := reader.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading manifest %s: %w", m.Name, err)
		}
		if err := use(sample); err != nil {
			return err
		}
	}
}

// openManifest opens a span of the content that was planned: of its generation, or of another one with
// equal content, as when the same file is uploaded again.
func (s *Store) openManifest(ctx context.Context, m Manifest, span dataset.Span) (io.ReadCloser, error) {
	body, err := s.Input.Open(ctx, m.Name, m.Generation, span.Start, span.End-span.Start)
	if !errors.Is(err, bucket.ErrNotExist) {
		return body, err
	}
	attrs, err := s.Input.Stat(ctx, m.Name)
	if err != nil {
		return nil, err
	}
	sum, err := s.Input.Checksum(ctx, m.Name)
	if err != nil {
		return nil, err
	}
	if attrs.Size != m.Size || sum != m.CRC32C {
		return nil, fmt.Errorf("manifest %s was replaced by another: %w", m.Name, bucket.ErrNotExist)
	}
	return s.Input.Open(ctx, m.Name, attrs.Generation, span.Start, span.End-span.Start)
}

// lostRecords stands in for the records of a range whose manifest is gone, so that each is accounted for.
func lostRecords(m Manifest, span dataset.Span, use func(*dataset.Sample) error) error {
	for i := range span.Records {
		place := dataset.Place{Manifest: m.base(), Element: span.FirstElement + i, Line: span.FirstLine}
		sample := &dataset.Sample{
			ID: fmt.Sprintf("%s#%d", place.Manifest, place.Element), Place: place,
			Problem: &dataset.Problem{Place: place, Fault: dataset.Fault{
				Kind: ManifestChanged,
				Detail: "the manifest was replaced or removed before this record was read; " +
					"the new version is a run of its own",
			}},
		}
		if err := use(sample); err != nil {
			return err
		}
	}
	return nil
}

// rangeReport reads a range's report, which never changes.
func (s *Store) rangeReport(ctx context.Context, run string, r int) (RangeReport, error) {
	name := rangeName(run, r)
	return s.reports.get(name, func() (report RangeReport, err error) {
		err = s.readJSON(ctx, name, &report)
		return report, err
	})
}
