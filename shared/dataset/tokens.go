package dataset

import "github.com/harvest-ml/harvest/shared/tokenizer"

// Tokens are the numbers of tokens of a sample's texts in training.
type Tokens struct {
	// Text counts all turns, and Answers the turns of the model.
	Text, Answers int
}

// Tokens counts the tokens of a sample's texts. Tokens of a chat template do not count. Tokens of images do not count
// either, because they depend on the model (selection.VisualTokens).
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
