package main

import (
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/markdown"
)

var update = flag.Bool("update", false, "write the generated parts of pages")

// TestGeneratedParts compares the generated parts of pages with the command line. -update writes these parts.
func TestGeneratedParts(t *testing.T) {
	t.Parallel()
	code := func(s string) string { return "`" + s + "`" }
	for _, part := range []struct{ page, name, content string }{
		{"functions/README.md", "variables", variableTable(allVariables(), code).RenderMarkdown()},
		{"infra/harvest/README.md", "commands", commandRows()},
		{"shared/selection/README.md", "budgets", budgetTopic()},
		{"shared/selection/README.md", "parameters", parameterRows()},
	} {
		markdown.CheckGenerated(t, filepath.Join("..", "..", part.page), part.name, part.content, *update)
	}
}

// commandRows returns all commands as a table in Markdown.
func commandRows() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n| --- | --- |\n")
	for _, cmd := range newRoot().Commands() {
		if cmd.Runnable() && !cmd.Hidden {
			fmt.Fprintf(&b, "| `harvest %s` | %s |\n", strings.ReplaceAll(cmd.Use, "|", "\\|"), cmd.Short)
		}
	}
	return b.String()
}

// TestVariables checks that every variable has exactly one meaning.
func TestVariables(t *testing.T) {
	t.Parallel()
	meanings := map[string]string{}
	for _, reader := range readers {
		for name, meaning := range tagged(reflect.TypeOf(reader.structure)) {
			if meaning == "" {
				t.Errorf("%s: the field of %s has no tag meaning", name, reader.name)
			}
			if known, ok := meanings[name]; ok && known != meaning {
				t.Errorf("%s: one program has the meaning %q, another %q", name, known, meaning)
			}
			meanings[name] = meaning
		}
	}
	var documented []string
	for _, v := range allVariables() {
		documented = append(documented, v.Name)
	}
	slices.Sort(documented)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(meanings)), documented); diff != "" {
		t.Errorf("variables (-of the structs +documented):\n%s", diff)
	}
}

// tagged returns the meanings of variables by name. It finds them in another way than the program.
func tagged(structure reflect.Type) map[string]string {
	found := map[string]string{}
	for _, field := range reflect.VisibleFields(structure) {
		if tag := field.Tag.Get("env"); tag != "" {
			name, _, _ := strings.Cut(tag, ",")
			found[name] = field.Tag.Get("meaning")
		} else if field.Type.Kind() == reflect.Struct {
			maps.Copy(found, tagged(field.Type))
		}
	}
	return found
}

func TestConfig(t *testing.T) {
	t.Parallel()
	const secret = "sk-do-not-show"
	var env []string
	for _, v := range allVariables() {
		env = append(env, v.Name+"="+secret)
	}
	for _, args := range [][]string{{"config"}, {"config", "ingest"}} {
		if a := harvest(t, ".", env, args...); a.status != 0 || strings.Contains(a.stdout+a.stderr, secret) {
			t.Errorf("%v: status %d, printed %s%s", args, a.status, a.stdout, a.stderr)
		}
	}
	score := mustHarvest(t, ".", "config", "score").stdout
	if !strings.Contains(score, "PUSH_SENDER") || strings.Contains(score, "DEFAULT_BUDGET") {
		t.Errorf("score reads %s", score)
	}
	if a := harvest(t, ".", nil, "config", "scores"); a.status != 2 ||
		!strings.Contains(a.stderr, "give harvest, ingest, score or curate") {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
}
