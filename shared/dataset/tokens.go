package dataset

import "unicode/utf8"

// VisualTokens is what one image costs a model in training, in tokens: 27 x 27 features of SigLIP's
// 384 px view and one newline, as in LLaVA-OneVision's single view.
const VisualTokens = 730

// Tokens estimates how many tokens a sample costs in training: text, answers and images. Text counts
// one token for four ASCII bytes, image marks included, and one for each other character, rounded up for each turn;
// English prose comes to about that with Qwen2's and LLaMA's tokenizers. It is an estimate for budgets, not a count.
func (s *Sample) Tokens() int {
	tokens := VisualTokens * len(s.Images)
	for _, t := range s.Turns {
		ascii, other := 0, 0
		for _, segment := range t.Segments {
			if segment.Image > 0 {
				ascii += len(ImageMark)
			}
			for _, r := range segment.Text {
				if r < utf8.RuneSelf {
					ascii++
				} else {
					other++
				}
			}
		}
		tokens += (ascii+3)/4 + other
	}
	return tokens
}
