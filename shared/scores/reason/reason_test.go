package reason_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scores/reason"
)

var update = flag.Bool("update", false, "write README.md again")

// The table has every constant of a code, in any package: those of type reason.Code, and those of selection's Reason,
// which imports no other package of Harvest.
func TestTableHasEveryCode(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, e := range reason.Table() {
		known[string(e.Code)] = true
	}
	found := map[string]bool{}
	for _, root := range []string{"../../../shared", "../../../infra", "../../../functions"} {
		err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, code := range codesOf(file) {
				found[code] = true
				if !known[code] {
					t.Errorf("%s: the code %q is not in the table", path, code)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for code := range known {
		if !found[code] {
			t.Errorf("the table has the code %q, and no package does", code)
		}
	}
}

// codesOf returns the values of a file's constants of codes.
func codesOf(file *ast.File) (codes []string) {
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, s := range decl.Specs {
			spec, _ := s.(*ast.ValueSpec)
			if spec == nil || !isCode(spec.Type, file.Name.Name) {
				continue
			}
			for _, v := range spec.Values {
				if literal, ok := v.(*ast.BasicLit); ok {
					if code, err := strconv.Unquote(literal.Value); err == nil {
						codes = append(codes, code)
					}
				}
			}
		}
	}
	return codes
}

func isCode(typ ast.Expr, pkg string) bool {
	switch typ := typ.(type) {
	case *ast.SelectorExpr:
		x, _ := typ.X.(*ast.Ident)
		return x != nil && x.Name == "reason" && typ.Sel.Name == "Code"
	case *ast.Ident:
		return pkg == "selection" && typ.Name == "Reason"
	}
	return false
}

func TestTable(t *testing.T) {
	t.Parallel()
	codes, phrases := map[reason.Code]bool{}, map[string]bool{}
	for _, e := range reason.Table() {
		if !regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`).MatchString(string(e.Code)) || codes[e.Code] {
			t.Errorf("code %q is not in snake_case, or is in the table twice", e.Code)
		}
		if e.Phrase == "" || strings.Contains(e.Phrase, ":") || phrases[e.Phrase] || e.Meaning == "" {
			t.Errorf("%s: phrase %q is in the table twice, or has a colon; meaning %q", e.Code, e.Phrase, e.Meaning)
		}
		codes[e.Code], phrases[e.Phrase] = true, true
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"image count: one; write it": reason.Code("image_count").Text("one; write it"),
		"image count":                reason.Code("image_count").Text(""),
		"of_tomorrow: one":           reason.Code("of_tomorrow").Text("one"),
		"of_tomorrow":                reason.Code("of_tomorrow").Phrase(),
		"":                           reason.Code("of_tomorrow").Meaning(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The README is made from the table.
func TestREADME(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(
		"# Reasons\n\n`reason_code` in `rejected.jsonl` and in the scores is the reason why a sample is not scored, or " +
			"not in\n" +
			"a subset. Codes are stable. Phrases and texts may change. `reason` has the phrase, the field or image, the\n" +
			"fault, and the fix. This page is made from the table in reason.go: `go test ./shared/scores/reason -update`.\n\n" +
			"| code | phrase | when |\n| --- | --- | --- |\n",
	)
	for _, e := range reason.Table() {
		b.WriteString("| `" + string(e.Code) + "` | " + e.Phrase + " | " + e.Meaning + " |\n")
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(page)); diff != "" {
		t.Errorf("README.md differs from the table; run with -update (-want +got)\n%s", diff)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	for code, want := range map[reason.Code]reason.Subject{
		"no_answer": reason.Record, "image_empty": reason.Image, "invalid_answer": reason.Scorer,
		"outranked": reason.Selection, "of_another_version": reason.Record,
	} {
		if got := code.Subject(); got != want {
			t.Errorf("%s is about %d, want %d", code, got, want)
		}
	}
}
