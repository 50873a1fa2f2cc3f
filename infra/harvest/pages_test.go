package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/markdown"
	"github.com/spf13/pflag"
	"mvdan.cc/sh/v3/syntax"
)

// repository is the root folder of the repository.
const repository = "../.."

// TestPagesName checks every command on a page, in a block or in a line. Harvest must have the command and its flags,
// and the packages and tests of `go` commands must exist.
func TestPagesName(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, p := range readPages(t) {
		for _, b := range p.Blocks {
			if b.Language == "sh" {
				checked += checkScript(t, fmt.Sprintf("%s:%d", p.Path, b.Line), b.Text)
			}
		}
		for _, span := range p.Spans {
			checked += checkScript(t, fmt.Sprintf("%s:%d", p.Path, span.Line), span.Text)
		}
	}
	if checked < 100 {
		t.Errorf("checked %d commands", checked)
	}
}

func readPages(t *testing.T) []*markdown.Page {
	t.Helper()
	pages, err := markdown.Pages(repository)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// checkScript checks the commands of a script. It returns the number of known commands; 0 if the text is not a script.
func checkScript(t *testing.T, place, script string) (checked int) {
	t.Helper()
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return 0
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok {
			return true
		}
		words := make([]string, len(call.Args))
		for i, word := range call.Args {
			words[i] = literal(word)
		}
		err := errNoCommand
		switch {
		case len(words) < 2:
		case words[0] == "harvest":
			err = checkHarvest(words[1:])
		case words[0] == "go":
			err = checkGo(words[1:])
		}
		if err == nil {
			checked++
		} else if !errors.Is(err, errNoCommand) {
			t.Errorf("%s: `%s`: %v", place, strings.Join(words, " "), err)
		}
		return true
	})
	return checked
}

var errNoCommand = errors.New("it names no command")

// literal returns a word without its quotes and without expansions of the shell, such as $NAME.
func literal(word *syntax.Word) string {
	var b strings.Builder
	for _, part := range word.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				if lit, ok := inner.(*syntax.Lit); ok {
					b.WriteString(lit.Value)
				}
			}
		}
	}
	return b.String()
}

var commandName = regexp.MustCompile(`^[a-z]+$`)

// checkHarvest checks that a command and its flags exist.
func checkHarvest(words []string) error {
	if !commandName.MatchString(words[0]) {
		return errNoCommand
	}
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find(words)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	for _, word := range words {
		name, isFlag := strings.CutPrefix(strings.Trim(word, "[]"), "--")
		name, _, _ = strings.Cut(name, "=")
		if !isFlag || name == "" {
			continue
		}
		var flag *pflag.Flag
		if flag = cmd.Flags().Lookup(name); flag == nil {
			flag = cmd.InheritedFlags().Lookup(name)
		}
		if flag == nil {
			return fmt.Errorf("%s has no flag --%s", cmd.CommandPath(), name)
		}
	}
	return nil
}

// checkGo checks that the packages of a `go` command exist, and have the tests and benchmarks that the command names.
func checkGo(words []string) error {
	if words[0] != "test" && words[0] != "run" && words[0] != "build" {
		return errNoCommand
	}
	var folders, patterns []string
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, "./"):
			folders = append(folders, filepath.Join(repository, strings.TrimSuffix(word, "...")))
		case i > 0 && (words[i-1] == "-run" || words[i-1] == "-bench"):
			patterns = append(patterns, word)
		}
		if words[0] != "test" && len(folders) > 0 {
			break // the other words are arguments of the program
		}
	}
	if len(folders) == 0 {
		return errNoCommand
	}
	var tests strings.Builder
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no folder %s", folder)
		}
		found, err := exec.Command("grep", "-rhoE", `^func (Test|Benchmark|Fuzz)[A-Za-z0-9_]+`, folder,
			"--include=*_test.go").Output()
		if err != nil && len(patterns) > 0 {
			return fmt.Errorf("listing the tests in %s: %w", folder, err)
		}
		tests.Write(found)
	}
	for _, pattern := range patterns {
		if pattern == "^$" || pattern == "XXX" {
			continue
		}
		first, _, _ := strings.Cut(pattern, "/")
		matcher, err := regexp.Compile(`(?m)^func \w*(` + strings.Trim(first, "^$") + `)`)
		if err != nil {
			return err
		}
		if !matcher.MatchString(tests.String()) {
			return fmt.Errorf("no test or benchmark of %v matches %s", folders, pattern)
		}
	}
	return nil
}

// A pageShell runs scripts below a folder, in which `harvest` is this program.
type pageShell struct {
	top string
	env []string
}

func newPageShell(t *testing.T) pageShell {
	t.Helper()
	top := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Mkdir(filepath.Join(top, "bin"), 0o755)
	}
	if err == nil {
		err = os.Symlink(self, filepath.Join(top, "bin", "harvest"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pageShell{top, append(os.Environ(), asProgram+"=1", "XDG_CACHE_HOME="+filepath.Join(top, "state"),
		"PATH="+filepath.Join(top, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))}
}

// run returns the output of a script. The error also contains the output.
func (s pageShell) run(t *testing.T, dir, script string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = filepath.Join(s.top, dir), s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return string(out), err
}

// TestPagesRun runs the blocks of all pages that need no other data or services. With HARVEST_PAGES=full it also runs
// the slow blocks. Each page gets a folder with the demo's dataset (as dataset.json and as mine.json) and its
// annotations, and an empty state folder.
func TestPagesRun(t *testing.T) {
	full := os.Getenv("HARVEST_PAGES") == markdown.NeedsFull
	if os.Getenv("HARVEST_PAGES") == "" {
		t.Skip("HARVEST_PAGES is not set; `.ci/run pages` sets it")
	}
	shell := newPageShell(t)
	demo := os.DirFS(filepath.Join(repository, "testdata", "demo"))
	if err := os.CopyFS(filepath.Join(shell.top, "testdata", "demo"), demo); err != nil {
		t.Fatal(err)
	}
	printed, err := shell.run(t, ".", "harvest curate --budget 30% testdata/demo/dataset.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = shell.run(t, ".", `cp -a testdata/demo demo; cd demo; cp dataset.json mine.json
		harvest annotate --quiet --scorer embedded --samples 200 dataset.json; cp -a . ../fresh`)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, p := range readPages(t) {
		fresh := false
		for _, b := range p.Blocks {
			if p.Path == "README.md" && b.Language == "text" {
				checkCapture(t, b.Text, printed)
			}
			if b.Language != "sh" || b.Needs != markdown.NeedsNothing && (!full || b.Needs != markdown.NeedsFull) {
				continue
			}
			if !fresh {
				if _, err := shell.run(t, ".", "rm -rf demo state; cp -a fresh demo"); err != nil {
					t.Fatal(err)
				}
				fresh = true
			}
			ran++
			if _, err := shell.run(t, "demo", b.Text); err != nil {
				t.Errorf("%s:%d: %s%v", p.Path, b.Line, b.Text, err)
			}
		}
	}
	if ran < 8 {
		t.Errorf("ran %d blocks", ran)
	}
}

// checkCapture checks that each line of output in the README is the beginning of a line that the first command prints.
func checkCapture(t *testing.T, shown, printed string) {
	t.Helper()
	for line := range strings.Lines(shown) {
		line = strings.TrimSpace(line)
		begins := func(whole string) bool { return strings.HasPrefix(strings.TrimSpace(whole), line) }
		if !slices.ContainsFunc(strings.Split(printed, "\n"), begins) {
			t.Errorf("README.md shows %q, which the first command does not print", line)
		}
	}
}
