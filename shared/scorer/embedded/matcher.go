package embedded

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// A phrase is a text that patterns are looked for in.
type phrase struct {
	plain  string
	folded string // in lower case, without the letters that only fold to those of ASCII
}

func newPhrase(plain string) phrase {
	// Of all letters, these alone fold to letters of ASCII: ſ to s, and the sign of kelvin to k, which is its lower case.
	return phrase{plain: plain, folded: strings.ReplaceAll(strings.ToLower(plain), "ſ", "s")}
}

// A matcher is a regular expression with literals one of which is in the folded form of every text that it matches.
// Looking for them costs a small part of a match, and most patterns match few texts.
type matcher struct {
	expression *regexp.Regexp
	literals   []string // empty where there is none in every match
}

// newMatcher panics where the expression is not valid: those in use are part of the program.
func newMatcher(expression string) matcher {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return matcher{expression: regexp.MustCompile(expression), literals: literalsOf(tree)}
}

// in reports whether a text has the pattern.
func (m matcher) in(text phrase) bool {
	return m.possible(text) && m.expression.MatchString(text.plain)
}

// count is how often a text has the pattern, and at most that number of times.
func (m matcher) count(text phrase, most int) int {
	if !m.possible(text) {
		return 0
	}
	return len(m.expression.FindAllStringIndex(text.plain, most))
}

func (m matcher) possible(text phrase) bool {
	return len(m.literals) == 0 || slices.ContainsFunc(m.literals, func(literal string) bool {
		return strings.Contains(text.folded, literal)
	})
}

// literalsOf are literals one of which is in the folded form of every match; none if there are none, or if they are too
// many to be worth looking for.
func literalsOf(tree *syntax.Regexp) []string {
	switch tree.Op {
	case syntax.OpLiteral:
		foreign := func(r rune) bool { return r > unicode.MaxASCII }
		if tree.Flags&syntax.FoldCase != 0 && slices.ContainsFunc(tree.Rune, foreign) {
			return nil
		}
		return []string{newPhrase(string(tree.Rune)).folded}
	case syntax.OpCharClass:
		return lettersOf(tree.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(tree.Sub[0])
	case syntax.OpRepeat:
		if tree.Min > 0 {
			return literalsOf(tree.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, part := range tree.Sub {
			if literals := literalsOf(part); rarer(literals, best) {
				best = literals
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, branch := range tree.Sub {
			literals := literalsOf(branch)
			if len(literals) == 0 {
				return nil
			}
			all = append(all, literals...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	default: // any letter, or none
	}
	return nil
}

// mostLetters is the largest class of letters that are looked for one by one.
const mostLetters = 10

// lettersOf are the members of a class, which is a list of first and last ones.
func lettersOf(class []rune) []string {
	var letters []string
	for ; len(class) > 1; class = class[2:] {
		if int(class[1]-class[0]) >= 2*mostLetters {
			return nil
		}
		for r := class[0]; r <= class[1]; r++ {
			letters = append(letters, newPhrase(string(r)).folded)
		}
	}
	slices.Sort(letters)
	if letters = slices.Compact(letters); len(letters) > mostLetters {
		return nil
	}
	return letters
}

// rarer reports whether some literals are in fewer texts than others, by the length of the shortest, then their number.
func rarer(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) > 0
	}
	shortest := func(s []string) int { return len(slices.MinFunc(s, func(x, y string) int { return len(x) - len(y) })) }
	if x, y := shortest(a), shortest(b); x != y {
		return x > y
	}
	return len(a) < len(b)
}
