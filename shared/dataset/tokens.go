package dataset

import "github.com/harvest-ml/harvest/shared/tokenizer"

// Tokens has the numbers of tokens that the texts of a sample have in training.
type Tokens struct {
	// Text is the number for all turns, and Answers the number for the turns of the model.
	Text, Answers int
}

// Tokens counts the tokens of a sample's texts. It does not count the tokens of a chat template. It does not count the
// tokens of images either, because they depend on the model (selection.VisualTokens).
func (s *Sample) Tokens() (tokens Tokens) {
	for _, turn := range s.Turns {
		n := 0
		for _, segment := range turn.Segments {
			n += tokenizer.Count(segment.Text)
		}
		tokens.Text += n
		if turn.Role == Model {
			tokens.Answers += n
		}
	}
	return tokens
}
