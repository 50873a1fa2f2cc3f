package embedded

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A phrase is a text to search for patterns.
type phrase struct {
	plain  string
	folded string // in lower case, with ASCII letters in place of other letters that fold to them
}

func newPhrase(plain string) phrase {
	// Only two letters outside ASCII fold to ASCII letters: "ſ" folds to s, and the kelvin sign folds to k. ToLower
	// converts the kelvin sign.
	return phrase{plain: plain, folded: strings.ReplaceAll(strings.ToLower(plain), "ſ", "s")}
}

// A matcher searches texts for a regular expression. It compiles the expression at the first search, because most
// processes rate nothing.
type matcher struct {
	compiled func() compiledPattern
}

// A compiledPattern is a regular expression with a list of literals. If a text matches, its folded form contains at
// least one of the literals. A search for the literals is much cheaper than a match, and most patterns match few texts.
type compiledPattern struct {
	expression *regexp.Regexp
	literals   []string // empty if no such list exists
}

func newMatcher(expression string) matcher {
	return matcher{sync.OnceValue(func() compiledPattern { return compile(expression) })}
}

// compile panics if the expression is not valid: all expressions are constants of the program.
func compile(expression string) compiledPattern {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return compiledPattern{expression: regexp.MustCompile(expression), literals: literalsOf(tree)}
}

// in reports whether a text matches the pattern.
func (m matcher) in(text phrase) bool {
	p := m.compiled()
	return p.possible(text) && p.expression.MatchString(text.plain)
}

// count returns the number of matches in a text, up to limit. If limit is negative, it returns the number of all
// matches.
func (m matcher) count(text phrase, limit int) int {
	p := m.compiled()
	if !p.possible(text) {
		return 0
	}
	return len(p.expression.FindAllStringIndex(text.plain, limit))
}

func (p compiledPattern) possible(text phrase) bool {
	return len(p.literals) == 0 || slices.ContainsFunc(p.literals, func(literal string) bool {
		return strings.Contains(text.folded, literal)
	})
}

// literalsOf returns a list of literals: the folded form of each match contains at least one of them. It returns nil if
// there are no such literals, or too many.
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
	default: // operators that do not require a certain letter
	}
	return nil
}

// mostLetters is the size of the largest character class that is replaced by literals.
const mostLetters = 10

// lettersOf returns the members of a character class, given as pairs of first and last letter; nil if it has too many.
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

// rarer reports whether the literals a probably occur in fewer texts than the literals b: the shortest literal of a is
// longer than that of b, or it is equally long and a has fewer literals. An empty list is never rarer.
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
