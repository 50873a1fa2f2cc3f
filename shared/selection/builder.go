package selection

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// A Builder makes a pool, sample by sample (Add) or column by column. The columns of numbers (Ratings, Expected, Tie,
// Index, Source, Tokens, Answers, Shape, Twin) may be appended to directly. Source and Styles convert names to numbers;
// AppendStyles and AppendImages append the lists of a sample. Different columns may be filled concurrently.
// Pool.Validate reports columns that contradict each other.
type Builder struct {
	// Pool is the pool as built so far.
	Pool *Pool
	// sources, styles and images have the numbers of names. Each new name gets the next number, from 0.
	sources, styles, images map[string]uint32
}

// A Sample is one row of a pool, for Builder.Add. Its fields are described at Pool.
type Sample struct {
	Ratings  []int8   // a rating for each capability of the pool
	Expected []uint16 // an expected score for each capability; nil for every sample of a pool, or for no sample
	Tie      uint64
	Index    int64
	Source   string
	Styles   []string // a repeated style counts once, at its first position
	Tokens   uint32
	Answers  uint32
	Shape    Shape
	Twin     [16]byte
	Images   []string // names, equal for equal images; a repeated name counts once
}

// NewBuilder returns a Builder of an empty pool with these capabilities.
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

// Add appends a sample to all columns. It returns an error, and does not change the pool, if the sample does not have
// one rating or expected score for each capability, or if only some samples of the pool have expected scores. Tokens,
// Answers, Shape, Twin and Image stay nil until a sample has a value.
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
		return fmt.Errorf("adding sample %d: give expected scores for every sample of a pool, or for no sample", n)
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

// Source returns the number of a source. A new name is added to the pool's SourceNames.
func (b *Builder) Source(name string) uint32 { return listed(name, b.sources, &b.Pool.SourceNames) }

// Styles returns the numbers of styles, in the order of the names. New names are added to the pool's StyleNames;
// repeated names are left out.
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

// AppendStyles appends the styles of one sample, given by their numbers. A number may occur only once.
func (b *Builder) AppendStyles(styles []uint32) {
	b.Pool.Style = append(b.Pool.Style, styles...)
	b.Pool.StyleStart = append(b.Pool.StyleStart, uint32(len(b.Pool.Style)))
}

// AppendImages appends the images of one sample, given by their names, without repetitions. If it is called for one
// sample, it must be called for every sample of the pool.
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

// TieHash returns the Pool.Tie of a sample: the FNV-1a hash of its content's hash and of the seed. content is
// hexadecimal digits; any other text is hashed as it is.
func TieHash(content string, seed uint64) uint64 {
	// Package fnv is not used, because it allocates, and millions of contents are hashed.
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

// hexDigit returns the value of a hexadecimal digit, and more than 15 for any other byte.
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

// TwinHash returns the Pool.Twin of a sample: the first 16 bytes of the SHA-256 of text. text must be equal exactly for
// samples with equal images and texts; it may itself be a hash.
func TwinHash(text string) (twin [16]byte) {
	sum := sha256.Sum256([]byte(text))
	copy(twin[:], sum[:])
	return twin
}

// extend appends to a column of n values. A column of only zeros stays nil.
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

// listed returns the number of a name, which is its index in names. A new name is added to numbers and names.
func listed(name string, numbers map[string]uint32, names *[]string) uint32 {
	i := number(name, numbers)
	if int(i) == len(*names) {
		*names = append(*names, name)
	}
	return i
}

// number returns the number of name; a new name gets the next number.
func number(name string, numbers map[string]uint32) uint32 {
	i, known := numbers[name]
	if !known {
		i = uint32(len(numbers))
		numbers[name] = i
	}
	return i
}
