package local

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises checks that every test that the README names for a guarantee is in its package.
func TestPromises(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (.+) \\| ([a-z/]+) \\| `(Test\\w+)` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 20 {
		t.Fatalf("only %d guarantees were read", len(rows))
	}
	for _, row := range rows {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(row[2]), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(source), "\nfunc "+row[3]+"(t *testing.T)")
		}
		if !found {
			t.Errorf("%s: %s has no %s", row[1], row[2], row[3])
		}
	}
}
