package markdown_test

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/markdown"
)

// root is the root folder of the repository.
const root = "../.."

func pages(t *testing.T) []*markdown.Page {
	t.Helper()
	pages, err := markdown.Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 20 {
		t.Fatalf("found %d pages", len(pages))
	}
	return pages
}

var update = flag.Bool("update", false, "write the generated parts of pages")

// TestNeedsPage compares the table of words after "sh" on the page for contributors with markdown.Needs.
func TestNeedsPage(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| fence | the block needs |\n| --- | --- |\n")
	for _, need := range markdown.Needs() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", strings.TrimSpace("sh "+need.Word), need.Meaning)
	}
	markdown.CheckGenerated(t, filepath.Join(root, ".github", "CONTRIBUTING.md"), "needs", table.String(), *update)
}

// TestLinks checks that the target and the anchor of every relative link and picture on every page exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.Path] = p.Anchors
	}
	followed := 0
	for _, p := range all {
		for _, link := range p.Links {
			if strings.Contains(link.Destination, "://") {
				continue
			}
			followed++
			file, anchor, hasAnchor := strings.Cut(link.Destination, "#")
			target := p.Path
			if file != "" {
				target = path.Join(path.Dir(p.Path), file)
			}
			info, err := os.Stat(filepath.Join(root, filepath.FromSlash(target)))
			switch {
			case strings.HasPrefix(target, "../") || path.IsAbs(file):
				t.Errorf("%s:%d: the link %s leads out of the repository", p.Path, link.Line, link.Destination)
			case err != nil:
				t.Errorf("%s:%d: the link %s leads nowhere", p.Path, link.Line, link.Destination)
			case info.IsDir() && hasFile(target, "README.md"):
				t.Errorf("%s:%d: the link %s is to a folder that has a page: add /README.md", p.Path, link.Line,
					link.Destination)
			case hasAnchor && !anchors[target][anchor]:
				t.Errorf("%s:%d: %s has no heading for #%s", p.Path, link.Line, target, anchor)
			}
		}
	}
	if followed < 100 {
		t.Errorf("followed %d links", followed)
	}
}

func hasFile(folder, name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(folder), name))
	return err == nil
}

// TestEachPageIsReached makes sure that every page can be found from the README.
func TestEachPageIsReached(t *testing.T) {
	t.Parallel()
	byPath := map[string]*markdown.Page{}
	for _, p := range pages(t) {
		byPath[p.Path] = p
	}
	reached := map[string]bool{"README.md": true}
	for next := []string{"README.md"}; len(next) > 0; {
		p := byPath[next[0]]
		next = next[1:]
		for _, link := range p.Links {
			file, _, _ := strings.Cut(link.Destination, "#")
			target := path.Join(path.Dir(p.Path), file)
			if byPath[target] != nil && !reached[target] {
				reached[target] = true
				next = append(next, target)
			}
		}
	}
	for name := range byPath {
		if !reached[name] && !strings.HasPrefix(name, ".github/") {
			t.Errorf("no link leads from README.md to %s", name)
		}
	}
}

// TestReadmeSize checks that the first page can be read in a few minutes.
func TestReadmeSize(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if words := len(strings.Fields(string(data))); words > 1200 {
		t.Errorf("README.md has %d words, and the limit is 1200", words)
	}
	if lines := strings.Count(string(data), "\n"); lines > 150 {
		t.Errorf("README.md has %d lines, and the limit is 150", lines)
	}
}

// gated maps the start of a command to the step of the gate that runs it.
var gated = map[string]string{
	"go run ./infra/harvest curate --budget 30% testdata/demo/dataset.json ": "job", "go test ./": "test",
	".ci/run ": "", ".ci/run\n": "", "python -m pytest sidecar": "pytest", "ruff check sidecar": "ruff",
	"hadolint sidecar/Dockerfile": "ruff",
}

// checkGated makes sure that steps of the gate run the commands of a block.
func checkGated(t *testing.T, page string, b markdown.Block) {
	t.Helper()
	gate, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.Text) {
		found := false
		for command, step := range gated {
			found = found || strings.HasPrefix(line, command) && strings.Contains(string(gate), "\n  \""+step)
		}
		if !found {
			t.Errorf("%s:%d: no step of the gate runs %q", page, b.Line, strings.TrimSpace(line))
		}
	}
}

// commands are programs whose commands must be in a block of sh, where the gate finds them.
var commands = []string{
	"harvest", "go", "curl", "docker", "python", "python3", "gcloud", "terraform", "duckdb", "kubectl", "npm", ".ci/run",
}

// TestBlocks makes sure that each block of commands names its needs, and that no command is in another block.
func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			if b.Language == "sh" {
				if !slices.ContainsFunc(markdown.Needs(), func(n markdown.Need) bool { return n.Word == b.Needs }) {
					t.Errorf("%s:%d: ```sh %s: .github/CONTRIBUTING.md lists the words that may stand after sh", p.Path, b.Line,
						b.Needs)
				}
				if b.Needs == markdown.NeedsGate {
					checkGated(t, p.Path, b)
				}
				continue
			}
			for line := range strings.Lines(b.Text) {
				words := strings.Fields(line)
				if len(words) > 1 && slices.Contains(commands, words[0]) {
					t.Errorf("%s:%d: put the command %q into a block of ```sh", p.Path, b.Line, strings.TrimSpace(line))
				}
			}
		}
	}
}
