package embedded

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// matchers returns all matchers of the package.
func matchers() []matcher {
	return []matcher{
		optionTask, placeTask, polarTask, stepTask, formTask, compareTask, captionTask, detailTask, briefTask, wordTask,
		readTask, quotation, boxNumbers, pointPair, labelledBox, polarAnswer, conclusion, equation, formAnswer, latexCode,
		mathSigns, contrasting,
	}
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`(?i)\bStep[ -]by`:      {"step"},
		`(?i)compar(?:e|ing)`:   {"compar"},
		`vs|(?:a|b)longer`:      {"longer", "vs"},
		`\d{4}-[a-z]`:           {"-"},
		`(?:yes)+`:              {"yes"},
		`(?:yes){2}`:            {"yes"},
		`(?:yes){0,2}no`:        {"no"},
		`[[(]x`:                 {"x"},
		`"[^"]*`:                {`"`},
		`yes|\d{4}`:             {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "yes"},
		`(?:yes)*`:              nil,
		`yes|\w+`:               nil,
		`yes|`:                  nil,
		`(?i)ü`:                 nil,
		`(?s)A\..*(?:B|C)\.end`: {".end"},
	} {
		if got := compile(expression).literals; !slices.Equal(got, want) {
			t.Errorf("%s has the literals %q, want %q", expression, got, want)
		}
	}
	for _, m := range matchers() {
		if p := m.compiled(); len(p.literals) == 0 {
			t.Errorf("%s has no literals", p.expression)
		}
	}
}

// FuzzMatchers checks that a text without a matcher's literals does not match, for all matchers and for fuzzed ones.
func FuzzMatchers(f *testing.F) {
	for _, text := range []string{
		"", "Which of the two is larger? A. left (B) right", "\u212ais it so? ye\u017f, Ye\u017f.", "[1, 2, 3, 4]",
		"a × b = c", "In Contra\u017ft, MO\u017fT LI\u212aELY", "Is that right?\nIS it", "\\frac{1}{2}", "\xff yes",
		"İs the answer: no",
		"answer:\nstep 1 therefore", "{\"a\": 1}", "- one\n- two", "What does the sign say?", `the "quoted words" here`,
	} {
		f.Add(`(?i)ask|s{2}[k-l]`, text)
	}
	f.Fuzz(func(t *testing.T, expression, plain string) {
		all := matchers()
		if _, err := regexp.Compile(expression); err == nil && len(expression) < 100 {
			all = append(all, newMatcher(expression))
		}
		text := newPhrase(strings.ToValidUTF8(plain, "\ufffd"))
		for _, m := range all {
			expression := m.compiled().expression
			if want := expression.MatchString(text.plain); m.in(text) != want {
				t.Errorf("%s in %q: %v, want %v", expression, text.plain, !want, want)
			}
			if got, want := m.count(text, 3), len(expression.FindAllStringIndex(text.plain, 3)); got != want {
				t.Errorf("%s in %q: %d times, want %d", expression, text.plain, got, want)
			}
		}
	})
}
