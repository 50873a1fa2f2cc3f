package embedded

import (
	"strings"
	"unicode"
)

// A tally counts the characters, the words and the topics of texts.
type tally struct {
	texts, bare     int // all texts, and texts of at most three words
	bytes           int
	letters, digits int
	capitals        int // upper-case letters
	foreign         int // characters beyond ASCII
	points          int // punctuation
	signs           int // characters of formulas, code and markup
	percents        int
	currencies      int
	lines           int
	sentences       int
	words           int
	numbers         int // tokens that begin with a digit
	years           int // numbers from 1000 to 2099 with four digits
	function        int // grammatical words
	long            int // words of eight letters or more
	named           int // words that begin with a capital letter
	rare            int // words outside the lexicon: names and terms
	longest         int // number of words in the longest text
	topics          [topicCount]int
	openers         [openerCount]int
	tokens          []string // the words, in lower case
}

// add adds the counts of a text.
func (t *tally) add(text string) {
	t.texts++
	t.bytes += len(text)
	t.lines++
	before, start := t.words, -1
	last := ' '
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if start < 0 {
				start = i
			}
			t.letter(r)
			last = r
			continue
		}
		if start >= 0 {
			t.word(text[start:i])
			start = -1
		}
		if r <= ' ' && strings.ContainsRune(".!?", last) {
			t.sentences++
		}
		t.mark(r)
		last = r
	}
	if start >= 0 {
		t.word(text[start:])
	}
	if strings.ContainsRune(".!?", last) {
		t.sentences++
	}
	if t.words-before <= 3 {
		t.bare++
	}
	t.longest = max(t.longest, t.words-before)
}

// letter counts a letter or digit.
func (t *tally) letter(r rune) {
	if r > unicode.MaxASCII {
		t.foreign++
	}
	if unicode.IsDigit(r) {
		t.digits++
		return
	}
	t.letters++
	if unicode.IsUpper(r) {
		t.capitals++
	}
}

// mark counts any other character.
func (t *tally) mark(r rune) {
	switch r {
	case '\n':
		t.lines++
	case '.', '!', '?', ',', ';', ':', '"', '\'', '-':
		t.points++
	case '=', '+', '*', '/', '^', '_', '\\', '$', '<', '>', '{', '}', '[', ']', '(', ')', '|', '%', '&', '#', '~', '`':
		t.signs++
		if r == '%' {
			t.percents++
		}
		if r == '$' {
			t.currencies++
		}
	case '。', '！', '？':
		t.sentences++
		t.points++
	case '€', '£', '¥':
		t.currencies++
	default:
		if r > unicode.MaxASCII {
			t.foreign++
		}
	}
}

func (t *tally) word(word string) {
	t.words++
	lower := strings.ToLower(word)
	t.tokens = append(t.tokens, lower)
	if lower[0] <= '9' {
		t.numbers++
		if len(lower) == 4 && lower >= "1000" && lower < "2100" {
			t.years++
		}
		return
	}
	if lower != word && lower[0] != word[0] {
		t.named++
	}
	if len(lower) >= 8 {
		t.long++
	}
	known := lexicon()[lower]
	if known.function {
		t.function++
	}
	for _, o := range known.openers {
		t.openers[o]++
	}
	topics := known.topics
	if topics == nil {
		topics = topicsOfStem(lower)
	}
	if topics == nil && !known.function && known.openers == nil {
		t.rare++
	}
	for _, k := range topics {
		t.topics[k]++
	}
	if isActivity(lower) {
		t.topics[activity]++
	}
}

// isActivity reports whether a word is the progressive of a verb, as in "a dog running".
func isActivity(word string) bool {
	return len(word) > 5 && strings.HasSuffix(word, "ing") && !notActivities()[word]
}

// merge adds the counts of u, and appends the words of u.
func (t *tally) merge(u *tally) {
	t.texts += u.texts
	t.bare += u.bare
	t.bytes += u.bytes
	t.lines += u.lines
	t.sentences += u.sentences
	t.letters += u.letters
	t.digits += u.digits
	t.capitals += u.capitals
	t.foreign += u.foreign
	t.points += u.points
	t.signs += u.signs
	t.percents += u.percents
	t.currencies += u.currencies
	t.words += u.words
	t.numbers += u.numbers
	t.years += u.years
	t.function += u.function
	t.long += u.long
	t.named += u.named
	t.rare += u.rare
	t.longest = max(t.longest, u.longest)
	for k, n := range u.topics {
		t.topics[k] += n
	}
	for k, n := range u.openers {
		t.openers[k] += n
	}
	t.tokens = append(t.tokens, u.tokens...)
}
