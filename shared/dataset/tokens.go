package dataset

import "github.com/harvest-ml/harvest/shared/tokenizer"

// Tokens are how many tokens a sample's texts take in training.
type Tokens struct {
	// Text counts all turns, Answers those of the model among them.
	Text, Answers int
}

// Tokens counts the tokens of a sample's texts. What a chat template adds does not count, and neither do images: what
// they take depends on the model (selection.VisualTokens).
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
