package run

import "github.com/harvest-ml/harvest/shared/dataset"

// limit reduces a plan of a whole dataset to a trial of Limit records. It divides the dataset into Limit equal parts,
// and takes the record in the middle of each part. So it takes the same records each time, and each source has its
// share even if the dataset is sorted by source. If the dataset has at most Limit records, it takes all of them.
func (p *Plan) limit() {
	if p.Limit == 0 || p.Limit >= p.Samples {
		return
	}
	all := p.Ranges
	p.Of, p.Samples, p.Ranges = p.Samples, 0, []Range{}
	for i := range p.Manifests {
		p.Manifests[i].Records = 0
	}
	for _, r := range all {
		r.Record, r.FirstIndex = r.FirstIndex, p.taken(r.FirstIndex)
		n := p.taken(r.Record+r.Span.Records) - r.FirstIndex
		if n == 0 {
			continue
		}
		p.Ranges = append(p.Ranges, r)
		p.Samples += n
		p.Manifests[r.Manifest].Records += n
	}
}

// taken returns the number of records in the trial among the given number of first records of the dataset.
func (p *Plan) taken(records int64) int64 { return (2*records*p.Limit + p.Of) / (2 * p.Of) }

// RangeSamples returns the number of samples of a range.
func (p *Plan) RangeSamples(r int) int64 {
	rng := p.Ranges[r]
	if p.Of == 0 {
		return rng.Span.Records
	}
	return p.taken(rng.Record+rng.Span.Records) - rng.FirstIndex
}

// Element returns the number of a sample's record in its manifest, from 1. index is the sample's index in the run.
func (p *Plan) Element(index int64) int64 {
	rng := p.Ranges[p.RangeOf(index)]
	if p.Of == 0 {
		return rng.Span.FirstElement + index - rng.FirstIndex
	}
	record := (p.Of*(2*index+1)+2*p.Limit-1)/(2*p.Limit) - 1 // the first record with taken(record+1) > index
	return rng.Span.FirstElement + record - rng.Record
}

// trial returns a function to be called with all records of a range in their order. It calls use with the records that
// are in the trial.
func (p *Plan) trial(r int, use func(*dataset.Sample) error) func(*dataset.Sample) error {
	if p.Of == 0 {
		return use
	}
	next := p.Ranges[r].Record
	return func(sample *dataset.Sample) error {
		record := next
		next++
		if p.taken(record+1) == p.taken(record) {
			return nil
		}
		return use(sample)
	}
}
