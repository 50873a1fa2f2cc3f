package annotation_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// birds returns a rubric with three capabilities and two styles.
func birds(t testing.TB) *rubric.Rubric {
	t.Helper()
	r, err := rubric.Parse([]byte("name: birds\ncapabilities: [song, plumage, flight]\nstyles: [word, 'a < b']\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const file = `{"id":"wren","scores":[0,5,null],"styles":["word"]}
{"id":"owl <3","scores":[1,2,3],"styles":[]}
{"id":"7","scores":[null,null,null],"styles":["a < b","word"],"reason":"hardly any & none"}
`

var parsed = []annotation.Annotation{
	{ID: "wren", Scores: []int8{0, 5, scorer.Missing}, Styles: []string{"word"}},
	{ID: "owl <3", Scores: []int8{1, 2, 3}, Styles: []string{}},
	{ID: "7", Scores: []int8{scorer.Missing, scorer.Missing, scorer.Missing}, Styles: []string{"a < b", "word"},
		Reason: "hardly any & none"},
}

func TestReadAndWrite(t *testing.T) {
	t.Parallel()
	loose := strings.NewReplacer(
		`{"id":"wren"`, "\ufeff \n\n{\"note\": [1], \"id\": \"wren\"", `"id":"7"`, `"id": 7`,
		"[1,2,3]", "[1.0, 2e0, 3]", "\n", "\r\n",
	).Replace(file)
	for name, text := range map[string]string{"as written": file, "loosely": loose} {
		got, err := annotation.Read(strings.NewReader(text), "a.jsonl", birds(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(parsed, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var b strings.Builder
	if err := annotation.Write(&b, parsed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, b.String()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := annotation.Write(&b, []annotation.Annotation{{ID: "bare"}}); err != nil ||
		b.String() != `{"id":"bare","scores":[],"styles":[]}`+"\n" {
		t.Errorf("without scores and styles: %q, %v", b.String(), err)
	}
	if got, err := annotation.Read(strings.NewReader("\n"), "a.jsonl", birds(t)); err != nil || len(got) != 0 {
		t.Errorf("a blank file: %v, %v", got, err)
	}
}

// TestReadCut says that a file is cut short if its last line ends within an object.
func TestReadCut(t *testing.T) {
	t.Parallel()
	for _, last := range []string{`{"id":`, `{"id":"b","scores":[1,2`, `{"id":"b`, "{\n"} {
		_, err := annotation.Read(strings.NewReader(`{"id":"a","scores":[1,2,3],"styles":["word"]}`+"\n"+last), "a.jsonl",
			birds(t))
		const want = "\na.jsonl: the last line, line 2, ends within its object, so the file is cut short; download"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", last, err, want)
		}
	}
}

// checkFault reads lines whose first line has a fault, and checks the error.
func checkFault(t *testing.T, cases map[string]struct{ lines, want string }) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := annotation.Read(strings.NewReader(tt.lines), "a.jsonl", birds(t))
			if err == nil || got != nil {
				t.Fatalf("no error, and %v", got)
			}
			if diff := cmp.Diff("a.jsonl: line 1: "+tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadNamesTheFault(t *testing.T) {
	t.Parallel()
	const like = `; write one like {"id": "…", "scores": [3 numbers], "styles": ["…"]}`
	checkFault(t, map[string]struct{ lines, want string }{
		"no JSON": {
			`{"id":` + "\n" + `{"id":"a","scores":[1,2,3],"styles":["word"]}`, "unexpected end of JSON input" + like,
		},
		"no object": {`[1]`, "the line is not a JSON object" + like},
		"no id": {
			`{"scores":[1,2,3],"styles":[]}`,
			"id: it is missing; give the sample's id from its manifest",
		},
		"empty id": {
			`{"id":"","scores":[1,2,3],"styles":[]}`,
			"id: it is missing; give the sample's id from its manifest",
		},
		"no styles": {
			`{"id":"a","scores":[1,2,3]}`,
			"styles: the value is not a list; list the sample's styles, the main style first",
		},
		"unknown style": {
			`{"id":"a","scores":[1,2,3],"styles":["word","tweet"]}`,
			`styles[1]: "tweet" is not a style of the rubric; its styles are: word, a < b`,
		},
		"style twice": {
			`{"id":"a","scores":[1,2,3],"styles":["word","word"]}`,
			`styles[1]: "word" is listed twice; list it once`,
		},
		"reason": {
			`{"id":"a","scores":[1,2,3],"styles":[],"reason":1}`,
			"reason: the value is not a string; write a string, or remove the field",
		},
	})
}

func TestReadNamesTheFaultOfScores(t *testing.T) {
	t.Parallel()
	const (
		list   = "scores: the value is not a list; give 3 numbers, one for each capability in the order of the rubric"
		number = "; write a whole number from 0 to 5, or null if there is no rating"
	)
	checkFault(t, map[string]struct{ lines, want string }{
		"no scores": {
			`{"id":"a","styles":[]}`,
			list,
		},
		"null for scores": {
			`{"id":"a","scores":null,"styles":[]}`,
			list,
		},
		"too few scores": {
			`{"id":"a","scores":[1,2],"styles":[]}`,
			"scores: the list has 2 numbers, but the rubric has 3 capabilities; give a number or null for " +
				"each capability, or give the rubric of the annotations",
		},
		"a fraction": {
			`{"id":"a","scores":[1,2.5,3],"styles":[]}`,
			"scores[1] (plumage): found 2.5" + number,
		},
		"text": {
			`{"id":"a","scores":[1,"2",3],"styles":[]}`,
			`scores[1] (plumage): found "2"` + number,
		},
		"too high": {
			`{"id":"a","scores":[1,2,6],"styles":[]}`,
			"scores[2] (flight): found 6" + number,
		},
		"the missing value": {
			`{"id":"a","scores":[-1,2,3],"styles":[]}`,
			"scores[0] (song): found -1" + number,
		},
	})
}

// The error names the first ten invalid lines, each with its fault.
func TestReadNamesEveryFault(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ lines, want string }{
		"two lines": {
			"\n" + `{"id":"a","scores":[],"styles":[]}` + "\n" + `{"id":"b","scores":[1,2,3],"styles":[]}` + "\n\n" +
				`{"id":"b","scores":[1,2,3],"styles":[]}`,
			"a.jsonl: line 2: scores: the list has 0 numbers, but the rubric has 3 capabilities; give a number or null for " +
				"each capability, or give the rubric of the annotations\n" +
				`a.jsonl: line 5: id: "b" is already annotated on line 3; remove one of the two lines`,
		},
		"a long line": {
			"\n" + strings.Repeat(" ", 5<<20),
			"a.jsonl: line 2: the line has more than 4194304 bytes; write one short JSON object on each line",
		},
	} {
		got, err := annotation.Read(strings.NewReader(tt.lines), "a.jsonl", birds(t))
		if err == nil || got != nil {
			t.Fatalf("%s: no error, and %v", name, got)
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", name, diff)
		}
	}
	many := strings.Repeat(`{"id":"a"}`+"\n", 12)
	got, err := annotation.Read(strings.NewReader(many), "a.jsonl", birds(t))
	if err == nil || got != nil {
		t.Fatalf("many lines: no error, and %v", got)
	}
	if n := strings.Count(err.Error(), "scores: the value is not a list"); n != 10 ||
		!strings.HasSuffix(err.Error(), "\na.jsonl: 2 more lines are invalid") {
		t.Errorf("names %d lines: %v", n, err)
	}
}

func TestReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	if _, err := annotation.Read(iotest.ErrReader(broken), "a.jsonl", birds(t)); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if err := annotation.Write(failing{broken}, parsed); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Write writes annotations that Read has returned, and Read then returns equal annotations.
func FuzzRead(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("\ufeff{\"ID\":1e3,\"scores\":[1,2,3],\"styles\":[\"word\"]}"))
	f.Add([]byte(`{"id":"\ud800","scores":[1,null,3],"styles":[],"reason":"` + "\xff" + `"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := annotation.Read(bytes.NewReader(data), "a.jsonl", birds(t))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := annotation.Write(&b, got); err != nil {
			t.Fatal(err)
		}
		again, err := annotation.Read(&b, "written", birds(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("read, written and read (-first +second):\n%s", diff)
		}
	})
}

// Read accepts the real files, which are next to the repository.
func TestReadRealFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../../shared/data/annotations/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the annotated samples are not next to the repository")
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := annotation.Read(bytes.NewReader(data), filepath.Base(name), rubric.Default())
		if err != nil {
			t.Error(err)
		}
		if lines := bytes.Count(data, []byte("\n")); len(got) != lines {
			t.Errorf("%s: %d annotations on %d lines", name, len(got), lines)
		}
	}
}
