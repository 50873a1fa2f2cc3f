package similarity

import (
	"cmp"
	"maps"
	"slices"
)

// A Set has the items to which samples are compared: the items of evaluation sets.
type Set struct {
	items      []Content
	images     *imageIndex
	imageItems [][]uint32 // the items with each different image
	byHash     map[string][]uint32
	texts      *Index
	textItems  [][]uint32 // the items with each different text
	byQuestion map[uint64]uint32
}

// An imageIndex has different images, and an index of their shapes. Several images may have the same shape.
type imageIndex struct {
	all    []Image
	shapes *Index
	of     [][]uint32 // the images of each shape
}

// numbers gives numbers to different keys, from 0 on, in the order in which they occur.
type numbers[K comparable] struct {
	of  map[K]uint32
	all []K
}

func newNumbers[K comparable]() *numbers[K] { return &numbers[K]{of: map[K]uint32{}} }

func (n *numbers[K]) number(key K) uint32 {
	i, known := n.of[key]
	if !known {
		i = uint32(len(n.all))
		n.of[key] = i
		n.all = append(n.all, key)
	}
	return i
}

// newImages returns the index of different images.
func newImages(all []Image) *imageIndex {
	shapes := newNumbers[Signature]()
	x := &imageIndex{all: all}
	for i, img := range all {
		if img.Shape.IsZero() {
			continue
		}
		shape := shapes.number(img.Shape)
		if int(shape) == len(x.of) {
			x.of = append(x.of, nil)
		}
		x.of[shape] = append(x.of[shape], uint32(i))
	}
	x.shapes = NewIndex(shapes.all)
	return x
}

// maxOfShape is the largest number of images of one shape that are compared with an image. Many images have the same
// shape if they differ only in colours, like flags, or if they are nearly white pages.
const maxOfShape = 256

// near calls visit for each image that it finds near to img.
func (x *imageIndex) near(img Image, visit func(i uint32, distance int)) {
	x.shapes.Near(img.Shape, ImageMost, func(shape, _ int) {
		of := x.of[shape]
		for _, i := range of[:min(len(of), maxOfShape)] {
			if distance, near := img.Near(x.all[i]); near {
				visit(i, distance)
			}
		}
	})
}

// NewSet returns a Set of items. It keeps the slice.
func NewSet(items []Content) *Set {
	s := &Set{items: items, byHash: map[string][]uint32{}, byQuestion: map[uint64]uint32{}}
	different, texts := newNumbers[Image](), newNumbers[Signature]()
	listed := func(lists *[][]uint32, at, item uint32) {
		if int(at) == len(*lists) {
			*lists = append(*lists, nil)
		}
		(*lists)[at] = append((*lists)[at], item)
	}
	for i, item := range items {
		i := uint32(i)
		for k, img := range item.Images {
			if !img.Shape.IsZero() {
				listed(&s.imageItems, different.number(img), i)
			}
			if hash := item.Hashes[k]; !slices.Contains(s.byHash[hash], i) {
				s.byHash[hash] = append(s.byHash[hash], i)
			}
		}
		if !item.Words.IsZero() {
			listed(&s.textItems, texts.number(item.Words), i)
		}
		for _, q := range item.Questions {
			if _, known := s.byQuestion[q]; !known && q != wordless {
				s.byQuestion[q] = i
			}
		}
	}
	s.images, s.texts = newImages(different.all), NewIndex(texts.all)
	return s
}

// Len returns the number of items of the set.
func (s *Set) Len() int { return len(s.items) }

// A Kind is the part in which a sample and an item are nearly equal.
type Kind uint8

// The kinds of pairs.
const (
	ImageOnly Kind = 1 + iota // an image, but not the text
	TextOnly                  // the text, but no image
	Both                      // an image and the text
)

// String returns image, text or both.
func (k Kind) String() string {
	return [...]string{ImageOnly: "image", TextOnly: "text", Both: "both"}[k]
}

// A Pair is a sample and an item that is near to it.
type Pair struct {
	Kind Kind
	Item int // the number of the item in the set
	// ImageDistance is the distance between their nearest images, and TextDistance the distance between their words, both
	// in bits, 0 to 256. ImageDistance is -1 if Kind is TextOnly. TextDistance may have any value if Kind is ImageOnly.
	ImageDistance, TextDistance int
}

// maxPairs is the largest number of pairs of a kind that Match returns.
const maxPairs = 5

// Match returns the nearest pairs of a sample: up to five of kind Both, then up to five of kind ImageOnly, then at most
// one of kind TextOnly.
func (s *Set) Match(sample Content) []Pair {
	distances := map[uint32]int{} // distances of the nearest images, by item
	note := func(item uint32, distance int) {
		if known, ok := distances[item]; !ok || distance < known {
			distances[item] = distance
		}
	}
	for k, img := range sample.Images {
		for _, item := range s.byHash[sample.Hashes[k]] {
			note(item, 0)
		}
		s.images.near(img, func(i uint32, distance int) {
			for _, item := range s.imageItems[i] {
				note(item, distance)
			}
		})
	}
	var both, alone []Pair
	for _, item := range slices.Sorted(maps.Keys(distances)) {
		pair := Pair{Kind: ImageOnly, Item: int(item), ImageDistance: distances[item]}
		var near bool
		if pair.TextDistance, near = sample.near(s.items[item].Text); near {
			pair.Kind = Both
			both = append(both, pair)
		} else {
			alone = append(alone, pair)
		}
	}
	return slices.Concat(nearest(both), nearest(alone), s.matchText(sample, distances))
}

// matchText returns the pair with the nearest text; nil if no text is near. It ignores the items in images, which have
// near images.
func (s *Set) matchText(sample Content, images map[uint32]int) []Pair {
	var best *Pair
	note := func(item uint32, distance int) {
		if _, image := images[item]; !image && (best == nil || distance < best.TextDistance ||
			distance == best.TextDistance && int(item) < best.Item) {
			best = &Pair{Kind: TextOnly, Item: int(item), ImageDistance: -1, TextDistance: distance}
		}
	}
	for _, q := range sample.Questions {
		if item, ok := s.byQuestion[q]; ok {
			note(item, 0)
		}
	}
	s.texts.Near(sample.Words, TextMost, func(i, distance int) { note(s.textItems[i][0], distance) })
	if best == nil {
		return nil
	}
	return []Pair{*best}
}

// nearest returns the pairs with the least distances, at most maxPairs.
func nearest(pairs []Pair) []Pair {
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.ImageDistance, b.ImageDistance), cmp.Compare(a.TextDistance, b.TextDistance))
	})
	return pairs[:min(len(pairs), maxPairs)]
}
