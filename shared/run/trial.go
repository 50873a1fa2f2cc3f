package run

import "github.com/harvest-ml/harvest/shared/dataset"

// limit leaves of a plan with all ranges of its dataset a trial of Limit records: the dataset is cut into as many equal
// parts, and of each the record in the middle is taken. So the same records are taken each time, and sources that are
// one after the other have their share. A limit that is no less than the dataset leaves all.
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

// taken is how many of the first records of the dataset a trial has.
func (p *Plan) taken(records int64) int64 { return (2*records*p.Limit + p.Of) / (2 * p.Of) }

// RangeSamples is the number of samples of a range.
func (p *Plan) RangeSamples(r int) int64 {
	rng := p.Ranges[r]
	if p.Of == 0 {
		return rng.Span.Records
	}
	return p.taken(rng.Record+rng.Span.Records) - rng.FirstIndex
}

// Element is the number in its manifest, from 1, of the record of the sample with the given index in the run.
func (p *Plan) Element(index int64) int64 {
	rng := p.Ranges[p.RangeOf(index)]
	if p.Of == 0 {
		return rng.Span.FirstElement + index - rng.FirstIndex
	}
	record := (p.Of*(2*index+1)+2*p.Limit-1)/(2*p.Limit) - 1 // the first with taken(record+1) > index
	return rng.Span.FirstElement + record - rng.Record
}

// trial calls use with those records of a range that the run has, of all that it is called with in their order.
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
