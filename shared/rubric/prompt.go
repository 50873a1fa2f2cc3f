package rubric

import (
	"slices"
	"strings"
)

// Transcript returns the text of a conversation in prompts. turns are the texts of the conversation in order, a human
// turn first, with <image> in the place of each image.
func (r *Rubric) Transcript(turns []string) string {
	pieces := make([][]string, len(turns))
	for i, turn := range turns {
		pieces[i] = []string{turn}
	}
	return strings.Join(r.TranscriptPieces(pieces), imageMark)
}

// TranscriptPieces returns a transcript in which the word <image> has no special meaning. For each turn, turns has the
// texts between the images. The result has the texts between all images: one text more than there are images.
func (r *Rubric) TranscriptPieces(turns [][]string) []string {
	var b pieceBuilder
	for i := 0; i < len(turns); i += 2 {
		if i > 0 {
			b.text("\n")
		}
		question := strings.Join(turns[i], imageMark)
		if strings.HasPrefix(question, imageMark+"\nHint:") || strings.HasPrefix(question, "Hint:") {
			b.add(turns[i])
		} else {
			b.text("Question: ")
			b.add(r.trim(turns[i]))
		}
		b.text(" Answer: ")
		if i+1 < len(turns) {
			b.add(turns[i+1])
		}
	}
	return b.all()
}

// trim cuts a question at both ends. It does not cut beyond an image.
func (r *Rubric) trim(question []string) []string {
	trimmed := slices.Clone(question)
	last := len(trimmed) - 1
	trimmed[0] = strings.TrimLeft(trimmed[0], *r.Prompts.Trim)
	trimmed[last] = strings.TrimRight(trimmed[last], *r.Prompts.Trim)
	return trimmed
}

// A pieceBuilder joins texts that have images between them.
type pieceBuilder struct {
	pieces []string
	last   strings.Builder
}

func (b *pieceBuilder) text(text string) { b.last.WriteString(text) }

// add adds texts, with an image after each except the last.
func (b *pieceBuilder) add(pieces []string) {
	for i, piece := range pieces {
		if i > 0 {
			b.pieces = append(b.pieces, b.last.String())
			b.last.Reset()
		}
		b.last.WriteString(piece)
	}
}

// all returns the texts between all images.
func (b *pieceBuilder) all() []string { return append(b.pieces, b.last.String()) }

// ScorerQuery returns the text after a transcript that requests the rating of one capability.
func (r *Rubric) ScorerQuery(capability string) string {
	return "\n" + strings.Replace(r.Prompts.Scorer, capabilityMark, capability, 1)
}

// StylerQuery returns the text after a transcript that requests the styles.
func (r *Rubric) StylerQuery() string {
	return "\n" + strings.Replace(r.Prompts.Styler, stylesMark, strings.Join(r.Styles, ", "), 1)
}

// PromptsFor returns all prompts of one sample: the scorer's prompts in the order of capabilities, then the styler's.
func (r *Rubric) PromptsFor(turns []string) []string {
	transcript := r.Transcript(turns)
	prompts := make([]string, 0, len(r.Capabilities)+1)
	for _, c := range r.Capabilities {
		prompts = append(prompts, transcript+r.ScorerQuery(c))
	}
	return append(prompts, transcript+r.StylerQuery())
}
