package reach

import (
	"fmt"
	"strings"
)

// Teach is the command that trains a scorer on a dataset's own annotations.
const Teach = "harvest curate --teacher llm:URL --model NAME"

// Sentence returns the report in words, with advice.
func (r *Report) Sentence() string {
	if own := r.Scale.Own; own != nil {
		return fmt.Sprintf("The scorer was tested on %d annotated samples of your dataset. In cross-validation, its "+
			"ratings of these samples agree with the annotations by a Spearman of %.2f and a weighted kappa of %.2f.",
			own.Samples, own.Spearman, own.QWK)
	}
	text := fmt.Sprintf("%s of the samples are far from what the embedded scorer was trained on.", percent(r.Far))
	var errors []string
	for b, m := range r.Scale.Bands {
		if m.Sources > 0 {
			errors = append(errors, fmt.Sprintf("%.2f %s", m.Error.Value, [bands]string{
				"in near sources", "in sources at the edge", "in far sources"}[b]))
		}
	}
	if len(errors) > 0 {
		text += " On sources that it had not seen, its ratings (0 to 5) were off by " + strings.Join(errors, ", ") + "."
	}
	if o := r.Scale.Order; o.Value > 0 {
		text += fmt.Sprintf(" In pools of three such sources, the ratings order the samples as annotations do, with a "+
			"Spearman of %.2f (%.2f to %.2f); if each sample is rated with the mean of its source, this gives %.2f.",
			o.Value, o.Low, o.High, r.Scale.SourceMeans)
	}
	if n := r.FarSources(); n > 0 {
		of := fmt.Sprintf("%d sources are", n)
		if n == 1 {
			of = "One source is"
		}
		text += fmt.Sprintf(" %s far. Let a strong model rate ten samples of each source: the scorer learns from "+
			"them (%s).", of, Teach)
	}
	return text
}

// percent formats a share as a percentage.
func percent(share float64) string {
	switch {
	case share > 0 && share < 0.005:
		return "Less than 1 %"
	default:
		return fmt.Sprintf("%.0f %%", 100*share)
	}
}
