package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the README's table of variables")

// The table of variables stands between these lines of the README.
const (
	tableBegins = "<!-- harvest config --markdown -->\n"
	tableEnds   = "<!-- end of harvest config -->\n"
)

// TestReadmeVariables compares the README's table of variables with what the program prints. -update writes it.
func TestReadmeVariables(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "README.md")
	before, rest, begins := strings.Cut(readFile(t, file), tableBegins)
	got, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("the README has no %sand %s", tableBegins, tableEnds)
	}
	want := "\n" + mustHarvest(t, ".", "config", "--markdown").stdout + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf(
			"the README's table of variables; `go test ./infra/harvest -run ReadmeVariables -update` writes it (-want "+
				"+got):\n%s",
			diff,
		)
	}
}

// TestVariables asks a meaning of every variable, and one alone.
func TestVariables(t *testing.T) {
	t.Parallel()
	meanings := map[string]string{}
	for _, reader := range readers {
		for name, meaning := range tagged(reflect.TypeOf(reader.structure)) {
			if meaning == "" {
				t.Errorf("%s: the field of %s has no tag meaning", name, reader.name)
			}
			if known, ok := meanings[name]; ok && known != meaning {
				t.Errorf("%s: %q to one, %q to another", name, known, meaning)
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

// tagged are the meanings of variables by name, found in another way than the program's.
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
	const secret = "sk-do-not-tell"
	var env []string
	for _, v := range allVariables() {
		env = append(env, v.Name+"="+secret)
	}
	for _, args := range [][]string{{"config"}, {"config", "ingest"}, {"config", "--markdown"}} {
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
