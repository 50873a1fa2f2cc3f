package selection

import (
	"fmt"
	"math"
	"slices"
)

// Missing is the rating of a capability that a sample has no rating for. It never qualifies and is
// left out of every mean.
const Missing = math.MinInt8

// A Pool holds the scores of every sample that a selection chooses from, failed and skipped ones
// too (with missing ratings and no styles), so that its length is the total that a budget is a
// share of. It is kept in columns, which a Builder fills. A pool has at most 4,294,967,294 samples,
// as many styles over all of them, 65,536 styles of one sample, and 32,767 capabilities.
type Pool struct {
	// Capabilities are the names of the rating columns, all different.
	Capabilities []string
	// Ratings holds a column for each capability with one rating per sample: any integer above
	// Missing (0 to 5 from our scorers; score files of the reference may hold others), or Missing.
	Ratings [][]int8
	// Expected holds a column for each capability with one expected score per sample, in units of
	// 1/1024; that of a missing rating is ignored. Nil if only ratings are known.
	Expected [][]uint16
	// Tie holds a hash of each sample's content and the run's seed (TieHash); among equals the lower
	// one goes first. Nil means no such preference.
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
	// Tokens holds what each sample counts for in a budget of tokens. Nil if that is not known.
	Tokens []uint32
	// Answers holds the tokens of each sample's answers alone. Nil if that is not known.
	Answers []uint32
	// Columns hold other numbers of the samples, which conditions and orders name.
	Columns []Column
	// Shape holds how many images each sample has, and whether it has several turns. Nil if that is not
	// known.
	Shape []Shape
	// Twin holds a hash of each sample's images and text (TwinHash): samples with equal hashes are
	// duplicates. It is zero for a sample without one, and nil if no sample has one.
	Twin [][16]byte
	// Image holds a number for each image of each sample, equal for equal images and none twice in a
	// sample, laid out by ImageStart as styles are. The numbers should be small: tables are as long as
	// the largest. ImageStart is nil if images are not known.
	Image      []uint32
	ImageStart []uint32
	// Cluster holds the number of each sample's cluster of duplicates, from 0. Nil if they are not known.
	Cluster []uint32
	// Template holds the number of the template of each sample's first question: from 1, the largest first; 0 for a
	// sample without one. Nil if they are not known. TemplateNames are those of the first ones, from number 1 on.
	Template      []uint32
	TemplateNames []string
}

// templateName is how messages name a template.
func (p *Pool) templateName(number uint32) string {
	if int(number) <= len(p.TemplateNames) {
		return fmt.Sprintf("%q", p.TemplateNames[number-1])
	}
	return fmt.Sprintf("of rank %d", number)
}

// Len is the number of samples.
func (p *Pool) Len() int { return len(p.Source) }

// column is the number of a capability's column.
func (p *Pool) column(capability string) int { return slices.Index(p.Capabilities, capability) }

// images are the images of sample s.
func (p *Pool) images(s uint32) []uint32 {
	if p.ImageStart == nil {
		return nil
	}
	return p.Image[p.ImageStart[s]:p.ImageStart[s+1]]
}

// styles are the style indexes of sample s, in its order.
func (p *Pool) styles(s uint32) []uint32 { return p.Style[p.StyleStart[s]:p.StyleStart[s+1]] }
