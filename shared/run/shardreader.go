package run

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// Records yields the unparsed records of a shard of a range that is cut, as dataset.ReadRecords does.
func (r *Reader) Records(
	ctx context.Context, run string, report *RangeReport, shard int,
) iter.Seq2[dataset.Record, error] {
	return r.records(ctx, run, report, shard, shard+1)
}

// RangeRecords yields the records of a range that is cut, as Records does.
func (r *Reader) RangeRecords(ctx context.Context, run string, report *RangeReport) iter.Seq2[dataset.Record, error] {
	return r.records(ctx, run, report, 0, len(report.Shards))
}

// records yields the records of the shards of a range from first up to, but not including, end.
func (r *Reader) records(
	ctx context.Context, run string, report *RangeReport, first, end int,
) iter.Seq2[dataset.Record, error] {
	return func(yield func(dataset.Record, error) bool) {
		var shards dataset.ShardReader
		defer shards.Close()
		stopped := false
		for shard := first; shard < end && !stopped; shard++ {
			err := r.openShard(ctx, run, shardName(run, report.Range, shard), func(body io.Reader) error {
				count := 0
				for record, err := range shards.Records(body) {
					if err != nil {
						return err
					}
					if count++; count > report.Shards[shard] {
						break
					}
					if stopped = !yield(record, nil); stopped {
						return nil
					}
				}
				return report.checkCount(shard, count)
			})
			if err != nil {
				yield(dataset.Record{}, err)
				return
			}
		}
	}
}

// Places reads the places of a shard's records in their manifest. The shard's range must be cut.
func (r *Reader) Places(
	ctx context.Context, run string, report *RangeReport, shard int,
) (places []dataset.Place, err error) {
	err = r.openShard(ctx, run, shardName(run, report.Range, shard), func(body io.Reader) error {
		if places, err = dataset.ReadPlaces(body); err != nil {
			return err
		}
		return report.checkCount(shard, len(places))
	})
	return places, err
}

// samples parses the records of a shard. The shard's range must be cut.
func (r *Reader) samples(
	ctx context.Context, plan *Plan, report *RangeReport, shard int,
) ([]dataset.Sample, error) {
	name := shardName(plan.Run, report.Range, shard)
	samples, err := r.shardSamples(ctx, plan, report.Range, name)
	if err != nil {
		return nil, err
	}
	if err := report.checkCount(shard, len(samples)); err != nil {
		return nil, r.Lost(plan.Run, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
	}
	return samples, nil
}

// shardSamples parses the records of a range's shard, by the name of its object.
func (r *Reader) shardSamples(
	ctx context.Context, plan *Plan, number int, name string,
) (samples []dataset.Sample, err error) {
	parse, err := plan.Parser(number)
	if err != nil {
		return nil, err
	}
	err = r.openShard(ctx, plan.Run, name, func(body io.Reader) error {
		samples, err = dataset.ReadShard(body, parse)
		return err
	})
	return samples, err
}

// openShard opens the shard with a name and calls read. An error of read that is not an error of the bucket counts as a
// fault of the content. Every error names the shard.
func (r *Reader) openShard(ctx context.Context, run, name string, read func(io.Reader) error) error {
	body, err := r.work.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return r.Lost(run, fmt.Errorf("reading %s: %w", name, err))
	}
	defer body.Close()
	noted := &faultNoter{r: body}
	switch err := read(noted); {
	case err == nil:
		return nil
	case noted.err != nil: // an error of the bucket
		return fmt.Errorf("reading %s: %w", name, err)
	default:
		return r.Lost(run, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
	}
}

// A faultNoter keeps the error of a reader, to distinguish it from faults in the content.
type faultNoter struct {
	r   io.Reader
	err error
}

func (n *faultNoter) Read(p []byte) (int, error) {
	read, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return read, err
}

// checkCount returns an error if the number of a shard's records differs from the number in its range's report.
func (r *RangeReport) checkCount(shard, records int) error {
	if records != r.Shards[shard] {
		return fmt.Errorf("it has %d records, but the report of its range has %d", records, r.Shards[shard])
	}
	return nil
}
