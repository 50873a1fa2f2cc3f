package selection

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
)

const (
	// The number after the last sample's number must fit 32 bits, too.
	maxSamples = math.MaxUint32 - 1
	// The position of a style in its sample's list fits 16 bits.
	maxStyles = math.MaxUint16 + 1
	// The sum of a sample's expected scores fits 31 bits.
	maxCapabilities = math.MaxInt16
)

// fewStyles is the largest number of styles that are compared with each other, because a map is slower.
const fewStyles = 16

// Validate returns an error for every column that contradicts another column or the description of Pool.
func (p *Pool) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	n := p.Len()
	if n > maxSamples {
		fault("%d samples; a pool holds at most %d", n, maxSamples)
	}
	if len(p.Capabilities) > maxCapabilities {
		fault("%d capabilities; a pool holds at most %d", len(p.Capabilities), maxCapabilities)
	}
	if name, twice := duplicate(p.Capabilities); twice {
		fault("capability %q appears twice", name)
	}
	if name, twice := duplicate(p.StyleNames); twice {
		fault("style name %q appears twice", name)
	}
	if len(p.Ratings) != len(p.Capabilities) {
		fault("%d columns of ratings for %d capabilities", len(p.Ratings), len(p.Capabilities))
	}
	for c, column := range p.Ratings {
		if len(column) != n {
			fault("column %d of ratings has %d rows; there are %d samples", c, len(column), n)
		}
	}
	if p.Expected != nil && len(p.Expected) != len(p.Capabilities) {
		fault("%d columns of expected scores for %d capabilities", len(p.Expected), len(p.Capabilities))
	}
	for c, column := range p.Expected {
		if len(column) != n {
			fault("column %d of expected scores has %d rows; there are %d samples", c, len(column), n)
		}
	}
	p.validateOptional(fault)
	if err := p.validateImages(); err != nil {
		faults = append(faults, err)
	}
	if err := p.validateSamples(); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("checking the pool: %w", err)
	}
	return nil
}

// validateOptional reports optional columns whose number of rows differs from the number of samples.
func (p *Pool) validateOptional(fault func(format string, args ...any)) {
	n := p.Len()
	for _, column := range []struct {
		name  string
		known bool
		rows  int
	}{
		{"tie", p.Tie != nil, len(p.Tie)},
		{"index", p.Index != nil, len(p.Index)},
		{"tokens", p.Tokens != nil, len(p.Tokens)},
		{"answers", p.Answers != nil, len(p.Answers)},
		{"shape", p.Shape != nil, len(p.Shape)},
		{"twin", p.Twin != nil, len(p.Twin)},
		{"cluster", p.Cluster != nil, len(p.Cluster)},
		{"template", p.Template != nil, len(p.Template)},
	} {
		if column.known && column.rows != n {
			fault("the %s column has %d rows; there are %d samples", column.name, column.rows, n)
		}
	}
	for _, column := range p.Columns {
		if len(column.Values) != n {
			fault("column %q has %d rows; there are %d samples", column.Name, len(column.Values), n)
		}
	}
}

// validateSamples stops at the first error, because after a wrong offset no sample can be checked.
func (p *Pool) validateSamples() error {
	n := p.Len()
	if len(p.StyleStart) != n+1 || p.StyleStart[0] != 0 || int64(p.StyleStart[n]) != int64(len(p.Style)) {
		return fmt.Errorf("the starts of %d samples' styles must be %d offsets from 0 to %d", n, n+1, len(p.Style))
	}
	faults := make([]error, chunks(n))
	inChunks(runtime.GOMAXPROCS(0), n, func(_, start, end int) {
		if p.surelyValid(start, end) {
			return
		}
		for s := start; s < end && faults[start/chunk] == nil; s++ {
			faults[start/chunk] = p.validateSample(s)
		}
	})
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// surelyValid reports whether no sample from start to end has an error, if this is easily seen. It takes a third of the
// time of validateSample, whose loop over a sample's styles has an unpredictable length.
func (p *Pool) surelyValid(start, end int) bool {
	const few = 4
	first, last := p.StyleStart[start], p.StyleStart[end]
	if first > last || int64(last)+few > int64(len(p.Style)) {
		return false
	}
	style, source, shape := uint32(0), uint32(0), Shape(0) // the highest
	for _, other := range p.Style[first:last] {
		style = max(style, other)
	}
	for _, other := range p.Source[start:end] {
		source = max(source, other)
	}
	for _, other := range p.Shape[min(start, len(p.Shape)):min(end, len(p.Shape))] {
		shape = max(shape, other)
	}
	if int64(style) >= int64(len(p.StyleNames)) || int64(source) >= int64(len(p.SourceNames)) || shape >= 2*MultiTurn {
		return false
	}
	// absent has, for each number of styles, a 1 for the second, third and fourth style if the sample does not have it.
	absent := [few + 1][few - 1]uint64{{1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 0, 1}, {}}
	starts := p.StyleStart[start : end+1]
	for i, at := range starts[:len(starts)-1] {
		n := starts[i+1] - at
		if at > last || n > few {
			return false
		}
		s, no := p.Style[at:at+few:at+few], &absent[n]
		// A product is 0 if a style is equal to one before it.
		second := uint64(s[1] ^ s[0])
		third := uint64(s[2]^s[0]) * uint64(s[2]^s[1])
		fourth := uint64(s[3]^s[0]) * uint64(s[3]^s[1]) * uint64(s[3]^s[2])
		if second|no[0] == 0 || third|no[1] == 0 || fourth|no[2] == 0 {
			return false
		}
	}
	return true
}

func (p *Pool) validateSample(s int) error {
	if int64(p.Source[s]) >= int64(len(p.SourceNames)) {
		return fmt.Errorf("sample %d has source %d; there are %d source names", s, p.Source[s], len(p.SourceNames))
	}
	if len(p.Shape) > s && p.Shape[s] >= 2*MultiTurn {
		return fmt.Errorf("sample %d has shape %d; the highest is %d", s, p.Shape[s], 2*MultiTurn-1)
	}
	start, end := p.StyleStart[s], p.StyleStart[s+1]
	if start > end || int64(end) > int64(len(p.Style)) {
		return fmt.Errorf("the styles of sample %d are at %d to %d of %d", s, start, end, len(p.Style))
	}
	styles := p.Style[start:end]
	if len(styles) > maxStyles {
		return fmt.Errorf("sample %d has %d styles; at most %d are supported", s, len(styles), maxStyles)
	}
	for i, style := range styles {
		if int64(style) >= int64(len(p.StyleNames)) {
			return fmt.Errorf("sample %d has style %d; there are %d style names", s, style, len(p.StyleNames))
		}
		for _, other := range styles[:min(i, fewStyles)] {
			if other == style {
				return fmt.Errorf("sample %d has style %q twice", s, p.StyleNames[style])
			}
		}
	}
	if len(styles) > fewStyles {
		if style, twice := duplicate(styles); twice {
			return fmt.Errorf("sample %d has style %q twice", s, p.StyleNames[style])
		}
	}
	return nil
}

func (p *Pool) validateImages() error {
	if p.ImageStart == nil {
		return nil
	}
	n := p.Len()
	if len(p.ImageStart) != n+1 || p.ImageStart[0] != 0 || int64(p.ImageStart[n]) != int64(len(p.Image)) ||
		!slices.IsSorted(p.ImageStart) {
		return fmt.Errorf("the starts of %d samples' images must be %d ascending offsets from 0 to %d",
			n, n+1, len(p.Image))
	}
	for s := range uint32(n) {
		if image, twice := duplicate(p.images(s)); twice {
			return fmt.Errorf("sample %d has image %d twice", s, image)
		}
	}
	return nil
}

// duplicate returns the first element that occurs a second time in a list.
func duplicate[E comparable](list []E) (element E, found bool) {
	if len(list) < 2 {
		return element, false
	}
	seen := make(map[E]bool, len(list))
	for _, e := range list {
		if seen[e] {
			return e, true
		}
		seen[e] = true
	}
	return element, false
}
