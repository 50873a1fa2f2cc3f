package selection

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
)

// Missing is the rating of a capability that a sample has no rating for. It never qualifies and is
// left out of every mean.
const Missing = math.MinInt16

const (
	// The number above the last sample's must fit 32 bits too.
	maxSamples = math.MaxUint32 - 1
	// The place of a style in its sample's order fits 16 bits.
	maxStyles = math.MaxUint16 + 1
	// The sum of a sample's expected scores fits 31 bits.
	maxCapabilities = math.MaxInt16
)

// fewStyles is how many styles are faster compared with each other than put into a map.
const fewStyles = 16

// A Pool holds the scores of every sample that a selection chooses from, failed and skipped ones
// too (with missing ratings and no styles), so that its length is the total that a budget is a
// share of. It is kept in columns: fill them directly for speed, or through NewPool and Add. A pool
// has at most 4,294,967,294 samples, as many styles over all of
// them, 65,536 styles of one sample, and 32,767 capabilities.
type Pool struct {
	// Capabilities are the names of the rating columns, all different.
	Capabilities []string
	// Ratings holds a column for each capability with one rating per sample: any integer above
	// Missing (0 to 5 from our scorers; score files of the reference may hold others), or Missing.
	Ratings [][]int16
	// Expected holds a column for each capability with one expected score per sample, in units of
	// 1/1024; what stands beside a missing rating is ignored. Nil where only ratings are known.
	Expected [][]uint16
	// Tie holds a hash of each sample's content and the run's seed; among equals the lower one goes
	// first. Nil means no such preference.
	Tie []uint64
	// Index holds each sample's idx, the last tie break, lower first. Nil means its position.
	Index []int64
	// Source holds the index into SourceNames of each sample's source.
	Source      []uint32
	SourceNames []string
	// Style holds indexes into StyleNames, sample after sample, each sample's styles in its own
	// order and none twice: those of sample i are Style[StyleStart[i]:StyleStart[i+1]]. So
	// StyleStart has one element more than there are samples and begins with 0.
	Style      []uint32
	StyleStart []uint32
	// StyleNames are all different.
	StyleNames []string
	// Tokens holds what each sample counts for in a budget of tokens. Nil where that is not known.
	Tokens []uint32
	// Twin holds a hash of each sample's images and text, by which duplicates are known; zero
	// where a sample has none. Nil where no sample has one.
	Twin [][16]byte
	// Image holds a number for each image of each sample, the same wherever the image is the same
	// and none twice in a sample, laid out by ImageStart as styles are. The numbers should be small:
	// tables are as long as the largest. ImageStart is nil where images are not known.
	Image      []uint32
	ImageStart []uint32

	sourceID, styleID, imageID map[string]uint32
}

// A Sample is one row of a pool, in the form that Pool.Add takes; its fields are as Pool describes.
type Sample struct {
	Ratings  []int16  // one for each capability of the pool
	Expected []uint16 // one for each capability; nil in every sample of a pool or in none
	Tie      uint64
	Index    int64
	Source   string
	Styles   []string // a style named again counts once, at its first place
	Tokens   uint32
	Twin     [16]byte
	Images   []string // names that tell images apart; one named again counts once
}

// NewPool makes an empty pool with the given rating columns.
func NewPool(capabilities ...string) *Pool {
	return &Pool{
		Capabilities: capabilities,
		Ratings:      make([][]int16, len(capabilities)),
		StyleStart:   []uint32{0},
	}
}

// Len is the number of samples.
func (p *Pool) Len() int { return len(p.Source) }

// Add appends a sample to a pool made by NewPool. It fails, and leaves the pool as it was, where
// the sample's ratings or expected scores are not one for each capability, or where it has expected
// scores and the samples before it have none, or the other way round.
func (p *Pool) Add(s Sample) error {
	n := p.Len()
	if len(s.Ratings) != len(p.Capabilities) {
		return fmt.Errorf("adding sample %d: %d ratings for %d capabilities", n, len(s.Ratings), len(p.Capabilities))
	}
	if s.Expected != nil && len(s.Expected) != len(p.Capabilities) {
		return fmt.Errorf("adding sample %d: %d expected scores for %d capabilities", n, len(s.Expected), len(p.Capabilities))
	}
	if n > 0 && (s.Expected != nil) != (p.Expected != nil) {
		return fmt.Errorf("adding sample %d: expected scores must be given for every sample of a pool or for none", n)
	}
	for c, r := range s.Ratings {
		p.Ratings[c] = append(p.Ratings[c], r)
	}
	if s.Expected != nil && p.Expected == nil {
		p.Expected = make([][]uint16, len(p.Capabilities))
	}
	for c, e := range s.Expected {
		p.Expected[c] = append(p.Expected[c], e)
	}
	p.Tie = append(p.Tie, s.Tie)
	p.Index = append(p.Index, s.Index)

	if p.sourceID == nil {
		p.sourceID, p.styleID, p.imageID = make(map[string]uint32), make(map[string]uint32), make(map[string]uint32)
	}
	p.Source = append(p.Source, identify(s.Source, p.sourceID, &p.SourceNames))
	first := len(p.Style)
	for _, name := range s.Styles {
		style := identify(name, p.styleID, &p.StyleNames)
		if !slices.Contains(p.Style[first:], style) {
			p.Style = append(p.Style, style)
		}
	}
	p.StyleStart = append(p.StyleStart, uint32(len(p.Style)))

	p.Tokens = extend(p.Tokens, n, s.Tokens)
	p.Twin = extend(p.Twin, n, s.Twin)
	if len(s.Images) > 0 && p.ImageStart == nil {
		p.ImageStart = make([]uint32, n+1)
	}
	if p.ImageStart != nil {
		first := len(p.Image)
		for _, name := range s.Images {
			if image := number(name, p.imageID); !slices.Contains(p.Image[first:], image) {
				p.Image = append(p.Image, image)
			}
		}
		p.ImageStart = append(p.ImageStart, uint32(len(p.Image)))
	}
	return nil
}

// extend appends to a column of n values; one that would hold zeros alone stays nil.
func extend[E comparable](column []E, n int, value E) []E {
	var zero E
	if column == nil && value == zero {
		return nil
	}
	if column == nil {
		column = make([]E, n)
	}
	return append(column, value)
}

// identify returns the index of name in names, to which it adds a new name.
func identify(name string, ids map[string]uint32, names *[]string) uint32 {
	id := number(name, ids)
	if int(id) == len(*names) {
		*names = append(*names, name)
	}
	return id
}

// number returns the number of name, for a new one the next.
func number(name string, ids map[string]uint32) uint32 {
	id, known := ids[name]
	if !known {
		id = uint32(len(ids))
		ids[name] = id
	}
	return id
}

// Validate reports every way in which the columns contradict each other or the description of Pool.
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
	if p.Tie != nil && len(p.Tie) != n {
		fault("the tie column has %d rows; there are %d samples", len(p.Tie), n)
	}
	if p.Index != nil && len(p.Index) != n {
		fault("the index column has %d rows; there are %d samples", len(p.Index), n)
	}
	if p.Tokens != nil && len(p.Tokens) != n {
		fault("the tokens column has %d rows; there are %d samples", len(p.Tokens), n)
	}
	if p.Twin != nil && len(p.Twin) != n {
		fault("the twin column has %d rows; there are %d samples", len(p.Twin), n)
	}
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

// validateSamples stops at the first fault: what follows a wrong offset cannot be told apart.
func (p *Pool) validateSamples() error {
	n := p.Len()
	if len(p.StyleStart) != n+1 || p.StyleStart[0] != 0 || int64(p.StyleStart[n]) != int64(len(p.Style)) {
		return fmt.Errorf("the starts of %d samples' styles must be %d offsets from 0 to %d", n, n+1, len(p.Style))
	}
	faults := make([]error, chunks(n))
	inChunks(runtime.GOMAXPROCS(0), n, func(_, start, end int) {
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

func (p *Pool) validateSample(s int) error {
	if int64(p.Source[s]) >= int64(len(p.SourceNames)) {
		return fmt.Errorf("sample %d has source %d; there are %d source names", s, p.Source[s], len(p.SourceNames))
	}
	start, end := p.StyleStart[s], p.StyleStart[s+1]
	if start > end || int64(end) > int64(len(p.Style)) {
		return fmt.Errorf("the styles of sample %d run from %d to %d of %d", s, start, end, len(p.Style))
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
	if len(p.ImageStart) != n+1 || p.ImageStart[0] != 0 || int64(p.ImageStart[n]) != int64(len(p.Image)) || !slices.IsSorted(p.ImageStart) {
		return fmt.Errorf("the starts of %d samples' images must be %d ascending offsets from 0 to %d", n, n+1, len(p.Image))
	}
	for s := range uint32(n) {
		if image, twice := duplicate(p.images(s)); twice {
			return fmt.Errorf("sample %d has image %d twice", s, image)
		}
	}
	return nil
}

// images are the images of sample s.
func (p *Pool) images(s uint32) []uint32 {
	if p.ImageStart == nil {
		return nil
	}
	return p.Image[p.ImageStart[s]:p.ImageStart[s+1]]
}

// styles are the style indexes of sample s, in its order.
func (p *Pool) styles(s uint32) []uint32 { return p.Style[p.StyleStart[s]:p.StyleStart[s+1]] }

// duplicate finds the first element that stands in a list a second time.
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
