package embedded

import (
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// What a question asks for.
var (
	optionTask = regexp.MustCompile(`(?s)(?:^|[\s(])A[.):]\s*\S.*?[\s(]B[.):]\s*\S|\(a\)\s*\S.*?\(b\)\s*\S|` +
		`(?i)\b(?:options|choices)\s*:|\boption'?s? letter\b`)
	placeTask = regexp.MustCompile(`(?i)` +
		`\b(?:bounding box|coordinates?|locate|where (?:is|are)|detect|point (?:to|at)|pixel)\b|\[x1?\s*,`)
	polarTask = regexp.MustCompile(`(?i)\b(?:yes or no|true or false|is that (?:correct|right|true))\b|` +
		`(?:^|[.?!:\n]\s*)(?:is|are|was|were|do|does|did|can|could|has|have|will|would|should)\s`)
	stepTask = regexp.MustCompile(`(?i)\bstep[ -]by[ -]step\b|` +
		`\b(?:show|explain|give) (?:your|the|all) (?:work|working|steps)\b|\breasoning\b|` +
		`\bhow did you (?:get|find|work)\b|\bprove\b`)
	formTask = regexp.MustCompile(`(?i)\b(?:json|latex|html|xml|csv|yaml|markdown|ascii|regex|sql)\b|` +
		`\b(?:numbered|bulleted|bullet point) list\b|\b(?:in|of|following) (?:the |this )?(?:form|format|template)\b|` +
		`\bseparated by\b|\bone (?:row|line|item|entry) per (?:line|row)\b|\blines of text\b|\bas a (?:list|table)\b|` +
		`\b(?:write|compose|create|generate|design) (?:me )?(?:a|an|the) (?:\w+ )?(?:poem|haiku|limerick|e-?mail|` +
		`letter|tweet|slogan|headline|song|script|function|program|query|table|histogram|list)\b|` +
		`\b(?:act|pretend|speak) as\b`)
	compareTask = regexp.MustCompile(`(?i)\bcompar(?:e|ing|ison)\b|\bdiffer(?:s|ences?|ent)?\b|` +
		`\bwhich (?:of the (?:two|three)|image|picture|photo|one)\b|` +
		`\bwhich\b.*\b(?:more|fewer|less|larger|bigger|smaller|higher|lower|taller|older)\b|` +
		`\b(?:versus|vs|in common|similarit(?:y|ies)|contrast)\b`)
	captionTask = regexp.MustCompile(`(?i)` +
		`\b(?:describe|description|caption|summar(?:y|i[sz]e)|explain|discuss|sentences?)\b|` +
		`\bwhat (?:is|do you) (?:shown|see|happening|going on)\b|\bin other words\b|\banother way\b`)
	detailTask = regexp.MustCompile(`(?i)\b(?:details?|detailed|thorough(?:ly)?|comprehensive|everything|paragraphs?|` +
		`in depth|elaborate|essay|story)\b`)
	briefTask = regexp.MustCompile(`(?i)\b(?:one|two|a single)[ -](?:or two )?sentences?\b|` +
		`\b(?:brief(?:ly)?|concise(?:ly)?|short (?:description|caption|answer))\b`)
	wordTask = regexp.MustCompile(`(?i)\b(?:single word|one word|few words|short phrase)\b|` +
		`\bonly the (?:final )?(?:answer|number|name)\b`)
	readTask = regexp.MustCompile(`(?i)` +
		`\b(?:transcri(?:be|ption)|ocr|read (?:the|this|out)|what does .* say|what (?:is|text is) written)\b`)
	quotation = regexp.MustCompile(`["“][^"“”]{3,}["”]`)
)

// How an answer is given.
var (
	boxNumbers  = regexp.MustCompile(`[\[({<]\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?){3}\s*[\])}>]`)
	pointPair   = regexp.MustCompile(`[\[(]\s*-?\d+(?:\.\d+)?\s*,\s*-?\d+(?:\.\d+)?\s*[\])]`)
	labelledBox = regexp.MustCompile(`(?m)^\W*\w[\w ]*\W*:\s*[\[(]\s*-?\d`)
	polarAnswer = regexp.MustCompile(`(?i)^\W*(?:yes|no|true|false)(?:\W|$)`)
	conclusion  = regexp.MustCompile(`(?i)\b(?:therefore|hence|thus)\b|\b(?:the|final) answer (?:is\b|:)|` +
		`(?m:^answer:)|\bstep \d|\\boxed`)
	equation   = regexp.MustCompile(`[\d)\]}a-z$]\s*(?:=|\\times|×|\*|÷)\s*[\d(\\$a-z]`)
	formAnswer = regexp.MustCompile("^\\s*(?:\\{\\s*\"|\\[\\s*[{\"]|<\\w+[ >]|```|\\||#+ |1[.)] |[-*•] )|\n```|</\\w+>")
	latexCode  = regexp.MustCompile(`\\[a-zA-Z]{2,}|[_^]\s*\{`)
	mathSigns  = regexp.MustCompile(`\$[^$]*[\\^_=<>+][^$]*\$|\\(?:frac|sqrt|sum|int|times|cdot|angle|overline)\b|` +
		`[a-z0-9)]\s*\^\s*[{\d]`)
	contrasting = regexp.MustCompile(`(?i)\b(?:more|less|fewer|\w+er|worse) (?:\w+ ){0,4}than\b|` +
		`\bcompared (?:to|with)\b|\bwhereas\b|\bin contrast\b|\bon the other hand\b|` +
		`\bby (?:far|contrast|comparison)\b|\b(?:other|second) (?:image|picture|photo|one)\b|\bvs\b|\bas many\b|` +
		`\bmost likely\b|\bdiffer`)
)

// A pair is one question and its answer, with what their texts show on the surface.
type pair struct {
	question, answer string
	questionTally    tally
	answerTally      tally

	options   bool // the question lists answers to choose from
	box       bool // the answer gives boxes or points
	verdict   bool // the answer begins with yes, no, true or false
	steps     bool // the answer reasons on its way
	formatted bool // the answer keeps to a demanded form
	contrast  bool // the answer compares
}

// pairsOf splits the rated turns of a sample into pairs. A question without an answer has an empty one.
func pairsOf(turns []dataset.Turn) []pair {
	var pairs []pair
	for _, t := range turns {
		text := strings.TrimSpace(strings.Join(t.Pieces(), " "))
		if t.Role == dataset.Human || len(pairs) == 0 {
			pairs = append(pairs, pair{question: text})
			continue
		}
		pairs[len(pairs)-1].answer = text
	}
	for i := range pairs {
		pairs[i].examine()
	}
	return pairs
}

func (x *pair) examine() {
	q, a := x.question, x.answer
	x.questionTally.add(q)
	x.answerTally.add(a)
	words := x.answerTally.words
	x.options = optionTask.MatchString(q)
	x.box = boxNumbers.MatchString(a) && (placeTask.MatchString(q) || strings.IndexAny(a, "[(<{") == 0) ||
		pointPair.MatchString(a) && placeTask.MatchString(q)
	if x.box {
		x.formatted = labelledBox.MatchString(a)
		return
	}
	x.formatted = formTask.MatchString(q) || formAnswer.MatchString(a) || isLatex(a, words)
	x.verdict = !x.options && polarAnswer.MatchString(a) && (words <= 2 || polarTask.MatchString(q))
	if x.formatted {
		return
	}
	x.steps = words > 12 && stepTask.MatchString(q) ||
		words > 20 && (conclusion.MatchString(a) || len(equation.FindAllStringIndex(a, 3)) == 3)
	x.contrast = !x.steps &&
		(words > 4 && !x.options && compareTask.MatchString(q) || words > 12 && contrasting.MatchString(a))
}

// isLatex reports whether LaTeX commands make up a third of a text's words.
func isLatex(text string, words int) bool {
	commands := len(latexCode.FindAllStringIndex(text, -1))
	return commands > 0 && 3*commands >= words
}
