package embedded

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Features are the inputs of the models for one sample.
type Features struct {
	// Dense holds one number for each of FeatureNames.
	Dense []float64
	// Grams holds the n-grams of questions and answers, by block.
	Grams [blockCount]Grams

	styles []string // the styles that the rules give, in the order of their first appearance
}

// hashers are reused between samples.
var hashers = sync.Pool{New: func() any { return new(hasher) }}

// observe computes the features of a sample with these turns and images.
func observe(turns []dataset.Turn, pictures []imageStats) *Features {
	pairs := pairsOf(turns)
	var question, answer tally
	for i := range pairs {
		question.merge(&pairs[i].questionTally)
		if pairs[i].answer.plain != "" {
			answer.merge(&pairs[i].answerTally)
		}
	}
	f := &Features{styles: stylesOf(pairs)}
	s := featureWriter{values: make([]float64, 0, len(FeatureNames()))}
	s.describe(newEvidence(pairs, &question, &answer, pictures), &question, &answer, meanStats(pictures), f.styles)
	f.Dense = s.values
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	for b, count := range []func(){
		questionWords:   func() { h.words(question.tokens) },
		questionLetters: func() { h.letters(question.tokens) },
		answerWords:     func() { h.words(answer.tokens) },
		answerLetters:   func() { h.letters(answer.tokens) },
	} {
		count()
		f.Grams[b] = h.take(block(b))
	}
	return f
}

// FeatureNames returns the names of the dense features, in order.
var FeatureNames = sync.OnceValue(func() []string {
	s := featureWriter{naming: true}
	s.describe(&evidence{}, &tally{}, &tally{}, &imageStats{}, nil)
	return s.names
})

// CueFeatures is the number of cues, which are the first dense features.
const CueFeatures = int(cueCount)

// RuleFeatures is the number of styles that the rules can give. The last dense features say which of these styles the
// rules give: 1 if they give the style, else -1.
const RuleFeatures = 9

// A featureWriter collects the dense features, or their names, in a fixed order.
type featureWriter struct {
	naming bool // whether it collects names, too
	names  []string
	values []float64
}

func (s *featureWriter) put(value float64, name string, number ...any) {
	if s.naming {
		s.names = append(s.names, fmt.Sprint(append([]any{name}, number...)...))
	}
	s.values = append(s.values, value)
}

func (s *featureWriter) describe(e *evidence, question, answer *tally, p *imageStats, styles []string) {
	for c, v := range e {
		s.put(v, "cue ", c)
	}
	s.surface("question", question)
	s.surface("answer", answer)
	for o, n := range question.openers {
		s.put(saturate(n), "question opener ", o)
	}
	for t := range topicCount {
		q, a := question.topics[t], answer.topics[t]
		s.put(saturate(q), "question topic ", t)
		s.put(saturate(a), "answer topic ", t)
		s.put(math.Sqrt(ratio(q, question.words)), "question topic share ", t)
		s.put(math.Sqrt(ratio(a, answer.words)), "answer topic share ", t)
		s.put(magnitude(q+a), "topic ", t)
	}
	for i, v := range p.values() {
		s.put(v, "picture ", i)
	}
	for _, style := range ruleStyles {
		s.put(either(slices.Contains(styles, style)), "rule ", style)
	}
}

func (s *featureWriter) surface(who string, t *tally) {
	distinct := map[string]bool{}
	for _, token := range t.tokens {
		distinct[token] = true
	}
	letters := t.letters + t.digits
	for _, f := range []struct {
		name  string
		value float64
	}{
		{" texts", magnitude(t.texts)},
		{" bare", ratio(t.bare, t.texts)},
		{" bytes", magnitude(t.bytes)},
		{" letters", ratio(t.letters, t.bytes)},
		{" digits", ratio(t.digits, t.bytes)},
		{" capitals", ratio(t.capitals, t.letters)},
		{" points", ratio(t.points, t.bytes)},
		{" signs", ratio(t.signs, t.bytes)},
		{" foreign", ratio(t.foreign, t.bytes)},
		{" lines", magnitude(t.lines)},
		{" sentences", magnitude(t.sentences)},
		{" words", magnitude(t.words)},
		{" numbers", ratio(t.numbers, t.words)},
		{" function words", ratio(t.function, t.words)},
		{" long words", ratio(t.long, t.words)},
		{" names", ratio(t.named, t.words)},
		{" rare words", ratio(t.rare, t.words)},
		{" any rare words", saturate(t.rare)},
		{" repeated", ratio(t.words-len(distinct), t.words)},
		{" longest", magnitude(t.longest)},
		{" letters a word", min(4, ratio(letters, t.words)/8)},
		{" words a sentence", magnitude(t.words / max(t.sentences, 1))},
		{" any numbers", saturate(t.numbers)},
		{" years", saturate(t.years)},
		{" percents", saturate(t.percents)},
		{" currencies", saturate(t.currencies)},
	} {
		s.put(f.value, who+f.name)
	}
}

func ratio(part, whole int) float64 { return float64(part) / float64(max(whole, 1)) }

func either(yes bool) float64 {
	if yes {
		return 1
	}
	return -1
}
