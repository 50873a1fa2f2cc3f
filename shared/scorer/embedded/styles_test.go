package embedded

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// talk returns turns from texts, which are questions and answers alternately. A mark in a text is the place of an
// image.
func talk(texts ...string) []dataset.Turn {
	var turns []dataset.Turn
	images := 0
	for i, text := range texts {
		turns = append(turns, dataset.NewTurn([]dataset.Role{dataset.Human, dataset.Model}[i%2], text, images+1))
		images += strings.Count(text, dataset.ImageMark)
	}
	return turns
}

// A styleCase has turns, and the styles that the rules must give them, in order.
type styleCase struct {
	name  string
	turns []dataset.Turn
	want  []string
}

func checkStyles(t *testing.T, cases []styleCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, stylesOf(pairsOf(test.turns))); diff != "" {
				t.Errorf("styles (-want +got):\n%s", diff)
			}
		})
	}
}

// Answers that choose an option.
func TestStylesOfOptions(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{"options on lines", talk("Which animal?\nA. cat\nB. dog", "B"), []string{multiChoice}},
		{"options in a line", talk("Which animal? (A) cat (B) dog", "(B) dog"), []string{multiChoice}},
		{"options in small letters", talk("Which animal? (a) cat (b) dog", "b"), []string{multiChoice}},
		{"options by name", talk("Which animal is it? Options: cat, dog", "cat"), []string{multiChoice}},
		{"options in the image", talk("Which piece fits? Answer with the option's letter.", "C"), []string{multiChoice}},
		{"options with numbers", talk("Which animal?\n1. cat\n2. dog\n3. cow", "2"), []string{multiChoice}},
		{"options with numbers in a line", talk("Which animal? (1) cat (2) dog", "(2) dog"), []string{multiChoice}},
		{"choices by number", talk("Which is it? Choice 1: cat. Choice 2: dog.", "Choice 2"), []string{multiChoice}},
		{"a list that is no choice", talk("Which comes next?\n1. mix\n2. bake", "cooling"), []string{wordOrPhrase}},
		{"options yes and no", talk("Is it a cat?\nA. yes\nB. no", "A"), []string{multiChoice}},
		{"option with reasons", talk("Which is right?\nA. 4\nB. 5\nThink step by step.",
			"The numbers grow by one in each row, and the last row ends with 3. Therefore the answer is A. 4."),
			[]string{multiChoice, chainOfThought}},
		{"option with an explanation", talk("Which animal?\nA. cat\nB. dog",
			"B, since the ears hang down and the muzzle is long and the tail wags."),
			[]string{multiChoice, shortDescription}},
	})
}

// Answers that give boxes or points.
func TestStylesOfPlaces(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{"box", talk("Locate the dog as [x1, y1, x2, y2].", "[0.12, 0.30, 0.55, 0.91]"), []string{coordinate}},
		{"box unasked", talk("Which part is damaged?", "[12, 30, 155, 291]"), []string{coordinate}},
		{"point", talk("Point to the handle.", "(120, 45)"), []string{coordinate}},
		{
			"labelled boxes", talk("Detect all objects.", "dog: [0.1, 0.2, 0.3, 0.4]\ncat: [0.5, 0.6, 0.7, 0.8]"),
			[]string{coordinate, specifiedStyle},
		},
		{
			"boxes in json", talk("Detect all cats. Return JSON.", `[{"label": "cat", "box": [0.1, 0.2, 0.3, 0.4]}]`),
			[]string{coordinate, specifiedStyle},
		},
		{"pair that is no place", talk("Solve for x and y.", "(3, 4)"), []string{wordOrPhrase}},
	})
}

// Answers that are yes or no.
func TestStylesOfVerdicts(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{"yes", talk("Is there a dog?", "Yes"), []string{yesNo}},
		{"true", talk("The cup is red. True or false?", "False."), []string{yesNo}},
		{
			"yes with a sentence", talk("Is there a dog?", "Yes, a brown dog sits on the porch."),
			[]string{yesNo, shortDescription},
		},
		{"no that is part of a phrase", talk("What does the sign say?", "No parking today"), []string{wordOrPhrase}},
	})
}

// Answers of different lengths.
func TestStylesOfLengths(t *testing.T) {
	t.Parallel()
	paragraph := strings.Repeat("The old harbour lies still under a grey sky. ", 8)
	checkStyles(t, []styleCase{
		{"word", talk("What colour is the car?", "Red"), []string{wordOrPhrase}},
		{"phrase", talk("Who issued it?", "Copperfield Hardware Trading Ltd"), []string{wordOrPhrase}},
		{"long phrase on demand", talk("What is the address? Answer with a single word or phrase.",
			"No. 12, Alder Quay Road, Dock Ward, 20450 Port Ellery, Northshire."), []string{wordOrPhrase}},
		{
			"transcribed line",
			talk("Transcribe the line of text.",
				"In hortum venit senex cum filia parva et rosas albas sub arbore numerat"),
			[]string{wordOrPhrase},
		},
		{"caption", talk("Write a caption for the photo.", "Dogs on a sofa"), []string{shortDescription}},
		{"sentence", talk("What stands by the road?", "A row of old trees stands by it."), []string{shortDescription}},
		{"paragraph", talk("What is in the picture?", paragraph), []string{detailedDescription}},
		{"detail on demand", talk("Describe it in detail.",
			"A dog sleeps on a red sofa beside a cat. A lamp stands behind them. "+
				"The wall is white and holds two pictures of mountains and a clock."), []string{detailedDescription}},
		{
			"brief on demand", talk("Describe it in two sentences.", paragraph[:len(paragraph)*3/4]),
			[]string{shortDescription},
		},
	})
}

// Answers that compare things.
func TestStylesOfComparisons(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{
			"compared on demand",
			talk("<image><image>\nHow do the two photos differ?", "The first shows a beach, the second a forest."),
			[]string{shortDescription, comparison},
		},
		{"compared in the answer", talk("What do people think of it?",
			"Older people are much more likely than younger ones to say that it helps them every day."),
			[]string{shortDescription, comparison}},
		{
			"which has more",
			talk("<image><image>\nWhich table has more chairs?", "The second, with six chairs instead of four."),
			[]string{shortDescription, comparison},
		},
		{"once more is no comparison", talk("Describe it once more.", "A dog sleeps on a sofa."), []string{shortDescription}},
		{"which of two in a word", talk("Which one is larger?", "left"), []string{wordOrPhrase}},
	})
}

// Answers that reason in steps.
func TestStylesOfReasoning(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{
			"steps on demand",
			talk("How many are left? Show your work.",
				"There were 12 apples and he ate 5 of them, which leaves 7 apples for the others."),
			[]string{chainOfThought},
		},
		{
			"steps by conclusion",
			talk("How many are left?",
				"He had twelve apples in a basket and gave five of them to his sister and two to me. The answer is 5."),
			[]string{chainOfThought},
		},
		{
			"steps by equations",
			talk("What does it cost?", "Two pens are 2 * 3 = 6 dollars and the three books are 3 * 4 = 12 dollars "+
				"so all of it comes to 6 + 12 = 18 dollars."),
			[]string{chainOfThought},
		},
		{"steps asked, word given", talk("How much? Think step by step.", "18"), []string{wordOrPhrase}},
	})
}

// Answers in a requested form.
func TestStylesOfForms(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{"json on demand", talk("Return JSON with the key \"label\".", `{"label": "fox"}`), []string{specifiedStyle}},
		{"json unasked", talk("What is it?", `{"label": "fox"}`), []string{specifiedStyle}},
		{"html", talk("Give the table.", "<table><tr><td>1</td></tr></table>"), []string{specifiedStyle}},
		{"latex", talk("What formula is it?", `\frac { 3 } { 2 }`), []string{specifiedStyle}},
		{
			"list", talk("Write three captions as a numbered list.", "1. A dog.\n2. A brown dog.\n3. A dog at rest."),
			[]string{specifiedStyle},
		},
		{"one on each line", talk("Name the tools, each on its own line.", "hammer\nsaw"), []string{specifiedStyle}},
		{
			"transcribed lines", talk("Read the first lines of this letter.", "Dear Sir,\nWe have your order."),
			[]string{specifiedStyle},
		},
		{"poem", talk("Write a short poem on the sea.", "The sea is wide, the sea is deep."), []string{specifiedStyle}},
	})
}

// Conversations of several turns.
func TestStylesOfTurns(t *testing.T) {
	t.Parallel()
	checkStyles(t, []styleCase{
		{
			"turns, first style first", talk("Is it a cat?", "No", "What is it?", "A dog", "Is it old?", "Yes"),
			[]string{yesNo, wordOrPhrase},
		},
		{"question without an answer", talk("What is it?", "A dog", "And that?"), []string{wordOrPhrase}},
	})
}
