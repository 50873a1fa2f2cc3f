package embedded

import (
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Patterns of questions.
var (
	optionTask = newMatcher(`(?s)(?:^|[\s(])A[.):]\s*\S.*?[\s(]B[.):]\s*\S|\(a\)\s*\S.*?\(b\)\s*\S|` +
		`(?i)\b(?:options|choices)\s*:|\boption'?s? letter\b`)
	// Numbered lines are options only if the answer is the number of a line, because ordinary lists are numbered, too.
	numberedTask = newMatcher(`(?m)(?:^|[\s(])1[.):]\s*\S(?s:.*?)[\s(]2[.):]\s*\S|` +
		`(?is)\b(?:choice|option)\s+\(?[1a]\b.*?\b(?:choice|option)\s+\(?[2b]\b`)
	numberedAnswer = newMatcher(`(?i)^\W*(?:(?:the )?(?:correct )?(?:answer|choice|option)(?: is)?\W*)?` +
		`(?:(?:choice|option)\s+)?\(?(?:[1-9]|[a-e])\b(?:[.):]|\W*$)`)
	placeTask = newMatcher(`(?i)` +
		`\b(?:bounding box|coordinates?|locate|where (?:is|are)|detect|point (?:to|at)|pixel)\b|\[x1?\s*,`)
	polarTask = newMatcher(`(?i)\b(?:yes or no|true or false|is that (?:correct|right|true))\b|` +
		`(?:^|[.?!:\n]\s*)(?:is|are|was|were|do|does|did|can|could|has|have|will|would|should)\s`)
	stepTask = newMatcher(`(?i)\bstep[ -]by[ -]step\b|` +
		`\b(?:show|explain|give) (?:your|the|all) (?:work|working|steps)\b|\breasoning\b|` +
		`\bhow did you (?:get|find|work)\b|\bprove\b`)
	formTask = newMatcher(`(?i)\b(?:json|latex|html|xml|csv|yaml|markdown|ascii|regex|sql)\b|` +
		`\b(?:numbered|bulleted|bullet point) list\b|\b(?:in|of|following) (?:the |this )?(?:form|format|template)\b|` +
		`\bseparated by\b|\b(?:one|each)\b.{0,30} (?:per|on (?:a|its own|a separate|a new)) (?:line|row)\b|` +
		`\blines of text\b|\bon separate lines\b|\bline by line\b|\bline breaks\b|\bas a (?:list|table)\b|` +
		`\b(?:write|compose|create|generate|design) (?:me )?(?:a|an|the) (?:\w+ )?(?:poem|haiku|limerick|e-?mail|` +
		`letter|tweet|slogan|headline|song|script|function|program|query|table|histogram|list)\b|` +
		`\b(?:act|pretend|speak) as\b`)
	compareTask = newMatcher(`(?i)\bcompar(?:e|ing|ison)\b|\bdiffer(?:s|ences?|ent)?\b|` +
		`\bwhich (?:of the (?:two|three)|image|picture|photo|one)\b|` +
		`\bwhich\b.*\b(?:more|fewer|less|larger|bigger|smaller|higher|lower|taller|older)\b|` +
		`\b(?:versus|vs|in common|similarit(?:y|ies)|contrast)\b`)
	captionTask = newMatcher(`(?i)` +
		`\b(?:describe|description|caption|summar(?:y|i[sz]e)|explain|discuss|sentences?)\b|` +
		`\bwhat (?:is|do you) (?:shown|see|happening|going on)\b|\bin other words\b|\banother way\b`)
	detailTask = newMatcher(`(?i)\b(?:details?|detailed|thorough(?:ly)?|comprehensive|everything|paragraphs?|` +
		`in depth|elaborate|essay|story)\b`)
	briefTask = newMatcher(`(?i)\b(?:one|two|a single)[ -](?:or two )?sentences?\b|` +
		`\b(?:brief(?:ly)?|concise(?:ly)?|short (?:description|caption|answer))\b`)
	wordTask = newMatcher(`(?i)\b(?:single word|one word|few words|short phrase)\b|` +
		`\bonly the (?:final )?(?:answer|number|name)\b`)
	readTask = newMatcher(`(?i)` +
		`\b(?:transcri(?:be|ption)|ocr|read (?:the|this|out)|what does .* say|what (?:is|text is) written)\b`)
	quotation = newMatcher(`["“][^"“”]{3,}["”]`)
)

// Patterns of answers.
var (
	boxNumbers  = newMatcher(`[\[({<]\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?){3}\s*[\])}>]`)
	pointPair   = newMatcher(`[\[(]\s*-?\d+(?:\.\d+)?\s*,\s*-?\d+(?:\.\d+)?\s*[\])]`)
	labelledBox = newMatcher(`(?m)^\W*\w[\w ]*\W*:\s*[\[(]\s*-?\d`)
	polarAnswer = newMatcher(`(?i)^\W*(?:yes|no|true|false)(?:\W|$)`)
	conclusion  = newMatcher(`(?i)\b(?:therefore|hence|thus)\b|\b(?:the|final) answer (?:is\b|:)|` +
		`(?m:^answer:)|\bstep \d|\\boxed`)
	equation   = newMatcher(`[\d)\]}a-z$]\s*(?:=|\\times|×|\*|÷)\s*[\d(\\$a-z]`)
	formAnswer = newMatcher("^\\s*(?:\\{\\s*\"|\\[\\s*[{\"]|<\\w+[ >]|```|\\||#+ |1[.)] |[-*•] )|\n```|</\\w+>")
	latexCode  = newMatcher(`\\[a-zA-Z]{2,}|[_^]\s*\{`)
	mathSigns  = newMatcher(`\$[^$]*[\\^_=<>+][^$]*\$|\\(?:frac|sqrt|sum|int|times|cdot|angle|overline)\b|` +
		`[a-z0-9)]\s*\^\s*[{\d]`)
	contrasting = newMatcher(`(?i)\b(?:more|less|fewer|\w+er|worse) (?:\w+ ){0,4}than\b|` +
		`\bcompared (?:to|with)\b|\bwhereas\b|\bin contrast\b|\bon the other hand\b|` +
		`\bby (?:far|contrast|comparison)\b|\b(?:other|second) (?:image|picture|photo|one)\b|\bvs\b|\bas many\b|` +
		`\bmost likely\b|\bdiffer`)
)

// A pair is one question and its answer, with their word counts and the properties that the patterns found in them.
type pair struct {
	question, answer phrase
	questionTally    tally
	answerTally      tally

	options   bool // the question lists answers to choose from
	box       bool // the answer gives boxes or points
	verdict   bool // the answer begins with yes, no, true or false
	steps     bool // the answer shows the steps of its reasoning
	formatted bool // the answer has a requested form, such as JSON
	contrast  bool // the answer compares things
}

// pairsOf splits the rated turns of a sample into pairs. If a question has no answer, its answer is empty.
func pairsOf(turns []dataset.Turn) []pair {
	var pairs []pair
	for _, t := range turns {
		text := strings.TrimSpace(strings.Join(t.Pieces(), " "))
		if t.Role == dataset.Human || len(pairs) == 0 {
			pairs = append(pairs, pair{question: newPhrase(text)})
			continue
		}
		pairs[len(pairs)-1].answer = newPhrase(text)
	}
	for i := range pairs {
		pairs[i].examine()
	}
	return pairs
}

func (x *pair) examine() {
	q, a := x.question, x.answer
	x.questionTally.add(q.plain)
	x.answerTally.add(a.plain)
	words := x.answerTally.words
	x.options = optionTask.in(q) || words <= 12 && numberedAnswer.in(a) && numberedTask.in(q)
	x.box = boxNumbers.in(a) && (placeTask.in(q) || strings.IndexAny(a.plain, "[(<{") == 0) ||
		pointPair.in(a) && placeTask.in(q)
	if x.box {
		x.formatted = labelledBox.in(a) || formAnswer.in(a)
		return
	}
	lines := readTask.in(q) && strings.Contains(a.plain, "\n")
	x.formatted = formTask.in(q) || formAnswer.in(a) || lines || isLatex(a, words)
	x.verdict = !x.options && polarAnswer.in(a) && (words <= 2 || polarTask.in(q))
	if x.formatted {
		return
	}
	x.steps = words > 12 && stepTask.in(q) ||
		words > 20 && (conclusion.in(a) || equation.count(a, 3) == 3)
	x.contrast = !x.steps &&
		(words > 4 && !x.options && compareTask.in(q) || words > 12 && contrasting.in(a))
}

// isLatex reports whether a text has at least one LaTeX command for every three words.
func isLatex(text phrase, words int) bool {
	commands := latexCode.count(text, -1)
	return commands > 0 && 3*commands >= words
}
