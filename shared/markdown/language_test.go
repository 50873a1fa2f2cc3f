package markdown_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// replaced maps words to better ones: a reader whose second language is English may not know these words, or they have
// another meaning in the field.
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

// wordList returns an entry for each word of the keys. "+" in a key is a blank in a word.
func wordList(of map[string]string) map[string]string {
	list := make(map[string]string)
	for words, instead := range of {
		for word := range strings.FieldsSeq(words) {
			list[strings.ReplaceAll(word, "+", " ")] = instead
		}
	}
	return list
}

// data lists files whose texts are data, not messages. A change of these texts changes ratings.
var data = []string{"shared/scorer/embedded/vocabulary.go", "shared/scorer/llm/definitions.go"}

// described lists files of which users and maintainers read every line.
var described = []string{"shared/api/openapi.yaml", "cloudbuild.yaml", "sidecar/cloudbuild.yaml"}

// noSubject matches a sentence of an error without a subject, such as "--out: is".
var noSubject = regexp.MustCompile(`: (is|are|has|have|holds|lacks) `)

// TestWords looks for replaced words in comments and messages of Go, Python and Terraform, in the files of described,
// and on pages outside of code.
func TestWords(t *testing.T) {
	t.Parallel()
	for extension, tops := range map[string][]string{
		".go": {"functions", "infra", "shared"}, ".py": {"sidecar"}, ".tf": {"infra"},
	} {
		for _, name := range sources(t, extension, tops) {
			switch extension {
			case ".go":
				checkGo(t, name)
			case ".py":
				checkPython(t, name)
			default:
				checkLines(t, name)
			}
		}
	}
	for _, name := range described {
		checkLines(t, name)
	}
	for _, p := range pages(t) {
		for i, line := range prose(string(p.Source)) {
			checkWords(t, p.Path, i+1, line)
		}
	}
}

// sources returns the files with an extension below the top folders, by their paths in the repository. It leaves out
// folders that begin with a dot, such as virtual environments.
func sources(t *testing.T, extension string, tops []string) []string {
	t.Helper()
	var names []string
	for _, top := range tops {
		err := fs.WalkDir(os.DirFS(root), top, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case !entry.IsDir() && path.Ext(name) == extension:
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) == 0 {
		t.Errorf("found no file *%s below %v", extension, tops)
	}
	return names
}

func readSource(t *testing.T, name string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// checkLines checks every line of a file.
func checkLines(t *testing.T, name string) {
	t.Helper()
	for i, line := range strings.Split(readSource(t, name), "\n") {
		checkWords(t, name, i+1, line)
	}
}

// python matches comments and texts in Python: texts in three quotes, with their quotes; other texts; and comments.
var python = regexp.MustCompile(`(?s)""".*?"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*`)

// checkPython checks the comments and docstrings of a file in Python, and its texts unless the file is a test.
func checkPython(t *testing.T, name string) {
	t.Helper()
	source := readSource(t, name)
	texts := !strings.Contains(name, "/tests/")
	for _, at := range python.FindAllStringIndex(source, -1) {
		text := source[at[0]:at[1]]
		if texts || strings.HasPrefix(text, `"""`) || strings.HasPrefix(text, "#") {
			checkWords(t, name, 1+strings.Count(source[:at[0]], "\n"), text)
		}
	}
}

// checkGo checks the comments of a file in Go, and its texts unless the file is in data.
func checkGo(t *testing.T, name string) {
	t.Helper()
	source := []byte(readSource(t, name))
	texts := !strings.HasSuffix(name, "_test.go") && !slices.Contains(data, name)
	files := token.NewFileSet()
	file := files.AddFile(name, -1, len(source))
	var lexer scanner.Scanner
	lexer.Init(file, source, nil, scanner.ScanComments)
	for {
		at, kind, text := lexer.Scan()
		switch {
		case kind == token.EOF:
			return
		case kind == token.COMMENT, kind == token.STRING && texts:
			checkWords(t, name, file.Line(at), text)
			if found := noSubject.FindString(text); found != "" && kind == token.STRING {
				t.Errorf("%s:%d: %q begins a sentence without a subject: write \"it is\", or name the subject", name,
					file.Line(at), found)
			}
		}
	}
}

// checkWords reports each replaced word of a text that begins in a line of a file.
func checkWords(t *testing.T, name string, line int, text string) {
	t.Helper()
	var last [3]string // the three words before
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && r != '\''
	}) {
		found := word
		for i := len(last); ; i-- {
			if instead, ok := replaced[found]; ok {
				t.Errorf("%s:%d: %q: write %s", name, line, found, instead)
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

// prose returns the lines of a page, without code.
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

// columns is the largest number of characters of a line on a page.
const columns = 120

// link matches the target of a link, which cannot be split over two lines.
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
