package embedded

import (
	"slices"
	"strings"
)

// These are the styles that the rules can give, with their names in the default rubric. The models learn how reliable
// the rules are.
const (
	multiChoice         = "multi-choice"
	coordinate          = "coordinate"
	yesNo               = "yes/no"
	wordOrPhrase        = "word/short-phrase"
	shortDescription    = "short description"
	detailedDescription = "detailed description"
	comparison          = "comparison"
	chainOfThought      = "chain-of-thought (step-by-step)"
	specifiedStyle      = "specified style"
)

// A styleRule gives a style to a pair if holds returns true.
type styleRule struct {
	style string
	holds func(*pair) bool
}

// The rules for a pair are tried in this order, so that the main style comes first: rules on the manner of the answer,
// rules on the length of prose, and other rules.
var (
	mannerRules = []styleRule{
		{multiChoice, func(x *pair) bool { return x.options }},
		{coordinate, func(x *pair) bool { return x.box }},
		{specifiedStyle, func(x *pair) bool { return x.formatted && !x.options }},
		{yesNo, func(x *pair) bool { return x.verdict }},
		{chainOfThought, func(x *pair) bool { return x.steps }},
	}
	lengthRules = []styleRule{
		{wordOrPhrase, (*pair).isPhrase},
		{detailedDescription, (*pair).isDetailed},
		{shortDescription, func(*pair) bool { return true }},
	}
	extraRules = []styleRule{
		{comparison, func(x *pair) bool { return x.contrast }},
	}
)

// ruleStyles are all styles that the rules can give.
var ruleStyles = [RuleFeatures]string{
	multiChoice, coordinate, yesNo, wordOrPhrase, shortDescription, detailedDescription, comparison, chainOfThought,
	specifiedStyle,
}

// stylesOf returns the styles of a conversation in the order in which they first appear.
func stylesOf(pairs []pair) []string {
	var styles []string
	for i := range pairs {
		for _, s := range pairs[i].styles() {
			if !slices.Contains(styles, s) {
				styles = append(styles, s)
			}
		}
	}
	return styles
}

func (x *pair) styles() []string {
	if x.answer.plain == "" {
		return nil
	}
	styles := apply(mannerRules, x)
	if len(styles) == 0 || x.explains() {
		styles = append(styles, apply(lengthRules, x)[0])
	}
	return append(styles, apply(extraRules, x)...)
}

// apply returns the styles of the rules that hold, in order.
func apply(rules []styleRule, x *pair) []string {
	var styles []string
	for _, r := range rules {
		if r.holds(x) {
			styles = append(styles, r.style)
		}
	}
	return styles
}

// explains reports whether prose follows a verdict or a chosen option.
func (x *pair) explains() bool {
	words := x.answerTally.words
	return !x.steps && !x.box && !x.formatted && (x.verdict && words > 4 || x.options && words > 12)
}

func (x *pair) isPhrase() bool {
	words := x.answerTally.words
	switch {
	case words <= 3 || wordTask.in(x.question) && words <= 20:
		return true
	case captionTask.in(x.question):
		return false
	case readTask.in(x.question):
		return words <= 16
	}
	return words <= 10 && !strings.HasSuffix(x.answer.plain, ".")
}

func (x *pair) isDetailed() bool {
	words := x.answerTally.words
	switch {
	case briefTask.in(x.question):
		return words > 80
	case detailTask.in(x.question):
		return words > 25
	}
	return words > 60
}
