package markdown_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// replaced are words that a reader whose second language is English may not know, or that have another meaning in the
// field, and what to write in their place.
var replaced = wordList(map[string]string{
	"tell tells told telling":          "says, reports, or distinguishes",
	"mend mends mended mending":        "fix",
	"blame blames blamed blaming":      "record as failed, or attribute to",
	"in+vain":                          "without success",
	"sound":                            "valid",
	"faulty":                           "invalid",
	"bury buries buried":               "dead letter",
	"wanted wants":                     "requested, or requires",
	"whoever whomever":                 "any process, or any person",
	"at+once":                          "immediately, or at the same time",
	"alike":                            "equal",
	"likewise":                         "also",
	"beside besides":                   "next to, or also",
	"world's+fault error+of+the+world": "transient error",
	"goes+on went+on gone+on":          "continues, or continued",
	"at+present":                       "now",
	"the+very":                         "exactly the, or the same",
	"to+be+had":                        "available",
	"stood":                            "was",
	"desk desks drawer drawers keyring purse": "scratch buffers, bin entries, sort keys, or budget",
})

// wordList has each word of the keys, with "+" for a blank in it.
func wordList(of map[string]string) map[string]string {
	list := make(map[string]string)
	for words, instead := range of {
		for word := range strings.FieldsSeq(words) {
			list[strings.ReplaceAll(word, "+", " ")] = instead
		}
	}
	return list
}

// data are files whose texts are not for people: a change of them changes ratings.
var data = []string{"shared/scorer/embedded/vocabulary.go", "shared/scorer/llm/definitions.go"}

// description is the description of the API, which users read.
const description = "shared/api/openapi.yaml"

// noSubject matches a sentence of an error without a subject: a reader does not know what "--out: is" is about.
var noSubject = regexp.MustCompile(`: (is|are|has|have|holds|lacks) `)

// TestWords looks for replaced words in comments and messages of Go, in the description of the API, and on pages
// outside of code.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, top := range []string{"functions", "infra", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" {
				return err
			}
			return checkGo(t, name)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	described, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(description)))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(described), "\n") {
		checkWords(t, description, i+1, line)
	}
	for _, p := range pages(t) {
		for i, line := range prose(string(p.Source)) {
			checkWords(t, p.Path, i+1, line)
		}
	}
}

// checkGo checks the comments of a file in Go, and its texts unless they are data of tests.
func checkGo(t *testing.T, name string) error {
	t.Helper()
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	below, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	below = filepath.ToSlash(below)
	texts := !strings.HasSuffix(name, "_test.go") && !slices.Contains(data, below)
	files := token.NewFileSet()
	file := files.AddFile(name, -1, len(source))
	var lexer scanner.Scanner
	lexer.Init(file, source, nil, scanner.ScanComments)
	for {
		at, kind, text := lexer.Scan()
		switch {
		case kind == token.EOF:
			return nil
		case kind == token.COMMENT, kind == token.STRING && texts:
			checkWords(t, below, file.Line(at), text)
			if found := noSubject.FindString(text); found != "" && kind == token.STRING {
				t.Errorf("%s:%d: %q begins a sentence without a subject: write \"it is\", or name the thing", below,
					file.Line(at), found)
			}
		}
	}
}

func checkWords(t *testing.T, path string, line int, text string) {
	t.Helper()
	var last [3]string // the words before
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && r != '\''
	}) {
		found := word
		for i := len(last); ; i-- {
			if instead, ok := replaced[found]; ok {
				t.Errorf("%s:%d: %q: write %s", path, line, found, instead)
			}
			if i == 0 {
				break
			}
			found = last[i-1] + " " + found
		}
		last = [3]string{last[1], last[2], word}
	}
}

// inlineCode is code in a line of a page.
var inlineCode = regexp.MustCompile("`[^`]*`")

// prose are the lines of a page with nothing in place of code.
func prose(source string) []string {
	lines := strings.Split(source, "\n")
	fenced := false
	for i, line := range lines {
		fence := strings.HasPrefix(line, "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced || strings.HasPrefix(line, "    ") {
			line = ""
		}
		lines[i] = inlineCode.ReplaceAllString(line, "")
	}
	return lines
}

// columns is the longest line of a page.
const columns = 120

// link is a link of a page, which cannot be broken.
var link = regexp.MustCompile(`\]\([^)]*\)`)

// TestColumns looks for long lines on pages. Tables, code that is shown and links may be longer.
func TestColumns(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		whole := strings.Split(string(p.Source), "\n")
		for i, line := range prose(string(p.Source)) {
			if line == "" || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "<!--") {
				continue
			}
			if n := utf8.RuneCountInString(link.ReplaceAllString(whole[i], "]")); n > columns {
				t.Errorf("%s:%d: %d columns, and the limit is %d", p.Path, i+1, n, columns)
			}
		}
	}
}
