package selection

// A Shape describes the number of images of a sample, and whether it has several turns. The zero Shape is unknown.
type Shape uint8

// The shapes of samples. MultiTurn may be added to each of the first three.
const (
	TextOnly Shape = 1 + iota
	OneImage
	MultiImage
	MultiTurn // bit of samples with more than one human turn
)

// ShapeOf returns the shape of a sample with these numbers of images and human turns.
func ShapeOf(images, turns int) Shape {
	shape := TextOnly + Shape(min(max(images, 0), 2))
	if turns > 1 {
		shape |= MultiTurn
	}
	return shape
}

// ShapeShares are the shares, in [0, 1], of the samples whose shape is known. The first three add up to 1, except if no
// shape is known.
type ShapeShares struct {
	TextOnly   float64 `json:"text_only"`
	OneImage   float64 `json:"one_image"`
	MultiImage float64 `json:"multi_image"`
	// MultiTurn is the share of samples with more than one human turn. Each of these samples also counts in one of the
	// first three shares.
	MultiTurn float64 `json:"multi_turn"`
}

// A NamedShare is a share of samples, in [0, 1], with its name.
type NamedShare struct {
	Name  string
	Share float64
}

// Named returns the shares with their names, always in the same order; nil if s is nil.
func (s *ShapeShares) Named() []NamedShare {
	if s == nil {
		return nil
	}
	return []NamedShare{
		{"text only", s.TextOnly}, {"one image", s.OneImage}, {"several images", s.MultiImage},
		{"several turns", s.MultiTurn},
	}
}

// shapeShares returns the share of each shape among samples of a pool; nil if shapes are not known.
func shapeShares(pool *Pool, samples sampleSet) *ShapeShares {
	if pool.Shape == nil {
		return nil
	}
	var counts [MultiTurn]int // without regard to turns; index 0 counts unknown shapes
	several := 0
	for i := range samples.n {
		shape := pool.Shape[samples.at(i)]
		counts[shape%MultiTurn]++
		several += int(shape / MultiTurn)
	}
	known := float64(max(samples.n-counts[0], 1))
	return &ShapeShares{
		TextOnly: float64(counts[TextOnly]) / known, OneImage: float64(counts[OneImage]) / known,
		MultiImage: float64(counts[MultiImage]) / known, MultiTurn: float64(several) / known,
	}
}
