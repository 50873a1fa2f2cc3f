package llm

// capabilityDefinitions define the capabilities of the default rubric for the model. It knows any other
// by its name alone, which should say what it is.
var capabilityDefinitions = map[string]string{
	"object spatial understanding": "where things are: positions, relations, sizes, depth, boxes and coordinates, " +
		"the geometry of parts",
	"attribute identification": "what things are like: colour, shape, material, state, number",
	"logical deduction":        "inference in several steps: rules, puzzles, elimination, chains of arithmetic",
	"scene understanding":      "the whole of a picture or page: its setting, its context, its gist",
	"fine-grained recognition": "telling similar things apart: species, models, named entities, symbols",
	"language generation":      "fluent, well-formed, informative free text in the answers",
	"in-context learning": "taking up a pattern, format or mapping from instructions or examples " +
		"in the prompt",
	"comparative analysis": "comparing two or more things, images, values or options by what they are",
	"activity recognition": "what people, animals or things are doing, and how they interact",
	"causal reasoning": "why something is so, what follows from what, how a mechanism works, " +
		"what would happen",
	"humanities": "history, culture, art, geography, languages, society, politics, religion, " +
		"literature",
	"stem knowledge":                "mathematics, natural science, medicine, engineering, computing",
	"data understanding":            "reading charts, tables, diagrams and structured documents",
	"optical character recognition": "reading text, digits, formulas and handwriting in an image",
}

// styleDefinitions define the styles of the default rubric.
var styleDefinitions = map[string]string{
	"multi-choice":                    "options are given and one is chosen",
	"coordinate":                      "points or boxes are given",
	"yes/no":                          "yes or no, true or false",
	"word/short-phrase":               "a bare word, number, name or phrase",
	"short description":               "one or two sentences",
	"detailed description":            "a paragraph or more that describes",
	"comparison":                      "two or more things are compared in the answer",
	"chain-of-thought (step-by-step)": "steps of reasoning before or with the answer",
	"specified style": "a form that the question demands: JSON, LaTeX, HTML, a list, a persona, " +
		"a template",
}
