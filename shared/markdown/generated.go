package markdown

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// CheckGenerated compares a generated part of a page with the output of the code, and writes it if update is set. The
// part is between the lines "<!-- generated: NAME -->" and "<!-- end of NAME -->".
func CheckGenerated(t testing.TB, file, name, want string, update bool) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, begins := strings.Cut(string(source), begin)
	got, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no part between %q and %q", file, begin, end)
	}
	want = "\n" + strings.Trim(want, "\n") + "\n\n"
	if update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the part %q is out of date; run this test with -update (-want +got):\n%s", file, name, diff)
	}
}
