package selection

import (
	"fmt"
	"math"
	"slices"
)

// Missing is the rating of a sample that has no rating for a capability. It never exceeds a threshold, and means do not
// include it.
const Missing = math.MinInt8

// A Pool has the scores of every sample of a run. It also has failed and skipped samples, with missing ratings and no
// styles, because a budget may be a ratio of all samples. A Pool is stored in columns, which a Builder fills. A pool
// has at most 4,294,967,294 samples, as many styles over all samples, 65,536 styles of one sample, and 32,767
// capabilities.
type Pool struct {
	// Capabilities are the names of the rating columns. They must differ.
	Capabilities []string
	// Ratings has a column for each capability with one rating per sample: Missing, or any greater integer. Harvest's
	// scorers give ratings of 0 to 5. Score files of the reference may have other ratings.
	Ratings [][]int8
	// Expected has a column for each capability with one expected score per sample, in units of 1/1024. Expected scores of
	// missing ratings are ignored. Nil if only ratings are known.
	Expected [][]uint16
	// Tie has a hash of each sample's content and the run's seed (TieHash). Among equal samples, the lower hash comes
	// first. Nil means that hashes do not break ties.
	Tie []uint64
	// Index has each sample's idx, which breaks the remaining ties: the lower idx comes first. Nil means the position in
	// the pool.
	Index []int64
	// Source has, for each sample, the index of its source in SourceNames.
	Source      []uint32
	SourceNames []string
	// Style has indexes into StyleNames: for sample i, Style[StyleStart[i]:StyleStart[i+1]] are its styles in its own
	// order, each once. StyleStart has one element more than there are samples, and begins with 0.
	Style      []uint32
	StyleStart []uint32
	// StyleNames must differ.
	StyleNames []string
	// Tokens has the number of tokens of each sample, for a budget in tokens. Nil if these numbers are not known.
	Tokens []uint32
	// Answers has the number of tokens of each sample's answers. Nil if these numbers are not known.
	Answers []uint32
	// Columns have other numbers of the samples, for conditions and orders.
	Columns []Column
	// Shape has the shape of each sample: its number of images, and whether it has several turns. Nil if shapes are not
	// known.
	Shape []Shape
	// Twin has a hash of each sample's images and text (TwinHash): samples with equal hashes are duplicates. It is zero
	// for a sample without a hash, and nil if no sample has one.
	Twin [][16]byte
	// Image has a number for each image of each sample. Equal images have equal numbers, and a sample has each number only
	// once. ImageStart divides it into samples, as StyleStart divides Style. Numbers should be small, because tables are
	// as long as the largest number. ImageStart is nil if images are not known.
	Image      []uint32
	ImageStart []uint32
	// Cluster has the number of each sample's cluster of near duplicates, from 0. Nil if clusters are not known.
	Cluster []uint32
	// Template has the number of the template of each sample's first question: from 1, the largest template first; 0 for a
	// sample without a template. Nil if templates are not known. TemplateNames are the names of the first templates, from
	// number 1 on.
	Template      []uint32
	TemplateNames []string
}

// templateName returns a template's name for messages.
func (p *Pool) templateName(number uint32) string {
	if int(number) <= len(p.TemplateNames) {
		return fmt.Sprintf("%q", p.TemplateNames[number-1])
	}
	return fmt.Sprintf("of rank %d", number)
}

// Len returns the number of samples.
func (p *Pool) Len() int { return len(p.Source) }

// column returns the index of a capability's column; -1 if there is none.
func (p *Pool) column(capability string) int { return slices.Index(p.Capabilities, capability) }

// images returns the images of sample s.
func (p *Pool) images(s uint32) []uint32 {
	if p.ImageStart == nil {
		return nil
	}
	return p.Image[p.ImageStart[s]:p.ImageStart[s+1]]
}

// styles returns the style indexes of sample s, in the sample's order.
func (p *Pool) styles(s uint32) []uint32 { return p.Style[p.StyleStart[s]:p.StyleStart[s+1]] }
