package embedded

import (
	"slices"
	"strings"
)

// The styles that the rules know, by the default rubric's keywords. The models learn how far to trust the rules.
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

// A styleRule gives an exchange a style.
type styleRule struct {
	style string
	holds func(*exchange) bool
}

// The rules of an exchange are tried in order, so that the style a reader would name first comes
// first: how the answer is given, then, where that is prose, how long it is, then what else it does.
var (
	mannerRules = []styleRule{
		{multiChoice, func(x *exchange) bool { return x.options }},
		{coordinate, func(x *exchange) bool { return x.box }},
		{specifiedStyle, func(x *exchange) bool { return x.formatted && !x.options }},
		{yesNo, func(x *exchange) bool { return x.verdict }},
		{chainOfThought, func(x *exchange) bool { return x.steps }},
	}
	lengthRules = []styleRule{
		{wordOrPhrase, (*exchange).isPhrase},
		{detailedDescription, (*exchange).isDetailed},
		{shortDescription, func(*exchange) bool { return true }},
	}
	besideRules = []styleRule{
		{comparison, func(x *exchange) bool { return x.contrast }},
	}
)

// ruleStyles are the styles that rules give.
var ruleStyles = [RuleFeatures]string{
	multiChoice, coordinate, yesNo, wordOrPhrase, shortDescription, detailedDescription, comparison, chainOfThought, specifiedStyle,
}

// stylesOf are the styles of a conversation in the order in which they first appear.
func stylesOf(exchanges []exchange) []string {
	var styles []string
	for i := range exchanges {
		for _, s := range exchanges[i].styles() {
			if !slices.Contains(styles, s) {
				styles = append(styles, s)
			}
		}
	}
	return styles
}

func (x *exchange) styles() []string {
	if x.answer == "" {
		return nil
	}
	styles := apply(mannerRules, x)
	if len(styles) == 0 || x.explains() {
		styles = append(styles, apply(lengthRules, x)[0])
	}
	return append(styles, apply(besideRules, x)...)
}

// apply gives the styles of the rules that hold, in order.
func apply(rules []styleRule, x *exchange) []string {
	var styles []string
	for _, r := range rules {
		if r.holds(x) {
			styles = append(styles, r.style)
		}
	}
	return styles
}

// explains tells whether prose follows a verdict or a chosen option.
func (x *exchange) explains() bool {
	return !x.steps && !x.box && !x.formatted && (x.verdict && x.told.words > 4 || x.options && x.told.words > 12)
}

func (x *exchange) isPhrase() bool {
	words := x.told.words
	switch {
	case words <= 3 || wordTask.MatchString(x.question) && words <= 20:
		return true
	case captionTask.MatchString(x.question):
		return false
	case readTask.MatchString(x.question):
		return words <= 16
	}
	return words <= 10 && !strings.HasSuffix(x.answer, ".")
}

func (x *exchange) isDetailed() bool {
	words := x.told.words
	switch {
	case briefTask.MatchString(x.question):
		return words > 80
	case detailTask.MatchString(x.question):
		return words > 25
	}
	return words > 60
}
