package run_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestPage requires every function that makes the name of an object to be in README.md, in the section of its
// layout.go.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for heading, path := range map[string]string{
		"\n## Of a run\n": "layout.go", "\n## Of its selections\n": "../subset/layout.go",
	} {
		_, section, found := strings.Cut(string(page), heading)
		if !found {
			t.Fatalf("README.md has no section %q", strings.TrimSpace(heading))
		}
		section, _, _ = strings.Cut(section, "\n## ")
		names := nameFunctions(t, path)
		if len(names) < 10 {
			t.Errorf("%s: found %d functions that make names", path, len(names))
		}
		for _, name := range names {
			if !strings.Contains(section, "`"+name+"`") {
				t.Errorf("%s: README.md does not describe the objects that %s names", path, name)
			}
		}
	}
}

// nameFunctions returns the functions of a file that make names or prefixes of objects, except Folder, which is the
// subject of the whole page.
func nameFunctions(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name != "Folder" {
			names = append(names, f.Name.Name)
		}
	}
	return names
}
