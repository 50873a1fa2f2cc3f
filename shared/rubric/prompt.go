package rubric

import "strings"

// Transcript is a conversation as the prompts show it. turns are the texts of the conversation in
// order, a human turn first.
func (r *Rubric) Transcript(turns []string) string {
	var b strings.Builder
	for i := 0; i < len(turns); i += 2 {
		if i > 0 {
			b.WriteByte('\n')
		}
		if strings.HasPrefix(turns[i], imageMark+"\nHint:") || strings.HasPrefix(turns[i], "Hint:") {
			b.WriteString(turns[i])
		} else {
			b.WriteString("Question: ")
			b.WriteString(strings.Trim(turns[i], *r.Prompts.Trim))
		}
		b.WriteString(" Answer: ")
		if i+1 < len(turns) {
			b.WriteString(turns[i+1])
		}
	}
	return b.String()
}

// ScorerQuery is what follows a transcript to ask for the rating of one capability.
func (r *Rubric) ScorerQuery(capability string) string {
	return "\n" + strings.Replace(r.Prompts.Scorer, capabilityMark, capability, 1)
}

// StylerQuery is what follows a transcript to ask for the styles.
func (r *Rubric) StylerQuery() string {
	return "\n" + strings.Replace(r.Prompts.Styler, stylesMark, strings.Join(r.Styles, ", "), 1)
}

// PromptsFor are all prompts of one sample: the scorer's, in the order of capabilities, then the styler's.
func (r *Rubric) PromptsFor(turns []string) []string {
	transcript := r.Transcript(turns)
	prompts := make([]string, 0, len(r.Capabilities)+1)
	for _, c := range r.Capabilities {
		prompts = append(prompts, transcript+r.ScorerQuery(c))
	}
	return append(prompts, transcript+r.StylerQuery())
}
