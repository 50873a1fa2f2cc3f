package selection

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// A Builder makes a pool, sample by sample (Add) or column by column. The columns of numbers
// (Ratings, Expected, Tie, Index, Source, Tokens, Answers, Shape, Twin) may be appended to directly; names become
// numbers by Source and Styles, and the lists of a sample are appended by AppendStyles and
// AppendImages. Different columns may be filled concurrently. Pool.Validate reports columns that do
// not fit each other.
type Builder struct {
	// Pool is what has been built so far.
	Pool *Pool
	// The numbers of all names met, each from 0 in the order in which they were first met.
	sources, styles, images map[string]uint32
}

// A Sample is one row of a pool, in the form that Builder.Add takes; its fields are as Pool
// describes.
type Sample struct {
	Ratings  []int8   // one for each capability of the pool
	Expected []uint16 // one for each capability; nil in every sample of a pool or in none
	Tie      uint64
	Index    int64
	Source   string
	Styles   []string // a style that is named twice counts once, at its first position
	Tokens   uint32
	Answers  uint32
	Shape    Shape
	Twin     [16]byte
	Images   []string // names, equal for equal images; one that is named twice counts once
}

// NewBuilder begins an empty pool with the given rating columns.
func NewBuilder(capabilities ...string) *Builder {
	return &Builder{
		Pool: &Pool{
			Capabilities: capabilities,
			Ratings:      make([][]int8, len(capabilities)),
			StyleStart:   []uint32{0},
		},
		sources: make(map[string]uint32), styles: make(map[string]uint32), images: make(map[string]uint32),
	}
}

// Add appends a sample to all columns. It fails, and leaves the pool as it was, if the sample's
// ratings or expected scores are not one for each capability, or if only some samples of the pool
// have expected scores. Tokens, Answers, Shape, Twin and Image stay nil until a sample has one.
func (b *Builder) Add(s Sample) error {
	p := b.Pool
	n := p.Len()
	if len(s.Ratings) != len(p.Capabilities) {
		return fmt.Errorf("adding sample %d: %d ratings for %d capabilities", n, len(s.Ratings), len(p.Capabilities))
	}
	if s.Expected != nil && len(s.Expected) != len(p.Capabilities) {
		return fmt.Errorf("adding sample %d: %d expected scores for %d capabilities",
			n, len(s.Expected), len(p.Capabilities))
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
	p.Source = append(p.Source, b.Source(s.Source))
	b.AppendStyles(b.Styles(s.Styles))
	p.Tokens = extend(p.Tokens, n, s.Tokens)
	p.Answers = extend(p.Answers, n, s.Answers)
	p.Shape = extend(p.Shape, n, s.Shape)
	p.Twin = extend(p.Twin, n, s.Twin)
	if len(s.Images) > 0 && p.ImageStart == nil {
		p.ImageStart = make([]uint32, n+1)
	}
	if p.ImageStart != nil {
		b.AppendImages(s.Images)
	}
	return nil
}

// Source is the number of a source. A new name is added to the pool's SourceNames.
func (b *Builder) Source(name string) uint32 { return listed(name, b.sources, &b.Pool.SourceNames) }

// Styles are the numbers of styles, in the order of their names. New names are added to the pool's
// StyleNames, and a name that is repeated is left out.
func (b *Builder) Styles(names []string) []uint32 {
	numbers := make([]uint32, 0, len(names))
	met := make(map[uint32]bool, len(names))
	for _, name := range names {
		style := listed(name, b.styles, &b.Pool.StyleNames)
		if !met[style] {
			met[style] = true
			numbers = append(numbers, style)
		}
	}
	return numbers
}

// AppendStyles appends the list of one sample's styles, given by their numbers, none twice.
func (b *Builder) AppendStyles(styles []uint32) {
	b.Pool.Style = append(b.Pool.Style, styles...)
	b.Pool.StyleStart = append(b.Pool.StyleStart, uint32(len(b.Pool.Style)))
}

// AppendImages appends the list of one sample's images, given by their names, and leaves out
// repetitions. If it is called for one sample, it must be called for every sample of the pool.
func (b *Builder) AppendImages(names []string) {
	p := b.Pool
	if p.ImageStart == nil {
		p.ImageStart = []uint32{0}
	}
	first := len(p.Image)
	for _, name := range names {
		if image := number(name, b.images); !slices.Contains(p.Image[first:], image) {
			p.Image = append(p.Image, image)
		}
	}
	p.ImageStart = append(p.ImageStart, uint32(len(p.Image)))
}

// TieHash is the Pool.Tie of a sample: FNV-1a of its content's hash, in hexadecimal digits (any
// other text is taken as it is), and of the seed.
func TieHash(content string, seed uint64) uint64 {
	// Without package fnv, because that allocates, and millions of contents are hashed.
	const offset, prime = 14695981039346656037, 1099511628211
	h, hexadecimal := uint64(offset), len(content)%2 == 0
	for i := 0; i < len(content) && hexadecimal; i += 2 {
		high, low := hexDigit(content[i]), hexDigit(content[i+1])
		hexadecimal = high|low < 16
		h = (h ^ uint64(high<<4|low)) * prime
	}
	if !hexadecimal {
		h = offset
		for i := range len(content) {
			h = (h ^ uint64(content[i])) * prime
		}
	}
	for range 8 {
		h = (h ^ seed&0xff) * prime
		seed >>= 8
	}
	return h
}

// hexDigit is the value of a hexadecimal digit, and more than 15 for any other byte.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// TwinHash is the Pool.Twin of a sample: the first 16 bytes of the SHA-256 of a text that is equal
// for samples of equal images and texts. The text may be a hash of any kind.
func TwinHash(text string) (twin [16]byte) {
	sum := sha256.Sum256([]byte(text))
	copy(twin[:], sum[:])
	return twin
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

// listed returns the number of name, which is its index in names; a new name is added to both.
func listed(name string, numbers map[string]uint32, names *[]string) uint32 {
	i := number(name, numbers)
	if int(i) == len(*names) {
		*names = append(*names, name)
	}
	return i
}

// number returns the number of name, for a new one the next.
func number(name string, numbers map[string]uint32) uint32 {
	i, known := numbers[name]
	if !known {
		i = uint32(len(numbers))
		numbers[name] = i
	}
	return i
}
