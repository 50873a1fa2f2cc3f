package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// examples is the folder of configurations that users copy.
const examples = "../../examples"

// TestConfiguration checks all of infra/terraform and infra/examples.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	google := readSchema(t)
	folders, err := schema.Folders("..", examples)
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != 10 { // module, deploy, bootstrap, five parts, and two examples
		t.Errorf("found configuration in %q", folders)
	}
	for _, dir := range folders {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			m := readModule(t, dir)
			for what, err := range map[string]error{
				"schema": google.Check(m), "references": google.CheckReferences(m), "documentation": m.CheckDocumented(),
			} {
				if err != nil {
					t.Errorf("%s:\n%v", what, err)
				}
			}
		})
	}
}

// TestFormatted compares every file with the result of `terraform fmt`.
func TestFormatted(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{
		"../*.tf", "../bootstrap/*.tf", "../deploy/*.tf", examples + "/*/*.tf",
		examples + "/*/*/*.tf", "../modules/*/*.tf", "../tests/*.hcl", "../bootstrap/tests/*.hcl",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(hclwrite.Format(text), text) {
			t.Errorf("%s is not formatted: run terraform fmt", name)
		}
	}
}

// TestSchemaHasNothingElse checks that the schema has only the resources that the configuration uses.
func TestSchemaHasNothingElse(t *testing.T) {
	t.Parallel()
	google := readSchema(t)
	used, err := schema.Used("..", examples)
	if err != nil {
		t.Fatal(err)
	}
	for kind, types := range map[string]map[string]*schema.Block{"resource": google.Resources, "data": google.Data} {
		for name := range types {
			if !slices.Contains(used[kind], name) {
				t.Errorf("no configuration uses %s %s: generate the schema again", kind, name)
			}
		}
	}
}

func TestValidModule(t *testing.T) {
	t.Parallel()
	google, m := readSchema(t), readModule(t, "testdata/valid")
	if err := google.Check(m); err != nil {
		t.Error(err)
	}
	if err := google.CheckReferences(m); err != nil {
		t.Error(err)
	}
	if err := m.CheckDocumented(); err != nil {
		t.Error(err)
	}
}

// TestFaults checks that one fault of each kind is reported, with file and line, and no other faults.
func TestFaults(t *testing.T) {
	t.Parallel()
	google := readSchema(t)
	m := readModule(t, "testdata/invalid")
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"schema": {google.Check(m), []string{
			"main.tf:1: resource google_pubsub_tpic is not in the schema",
			"main.tf:6: the block has no argument labls",
			"main.tf:7: name: it must be a string",
			"main.tf:12: argument topic is missing",
			"main.tf:14: argument push_endpoint is missing",
			"main.tf:15: the block has no argument endpoint",
			"main.tf:17: block push_config: at most 1 may occur",
			"main.tf:20: the block has no block retry",
			"main.tf:23: ack_deadline_seconds: it must be a number",
			"main.tf:24: retry_policy is a block, not an argument",
			"main.tf:25: dynamic dead_letter_policy: for_each or content is missing",
			"main.tf:31: number is computed",
			"main.tf:34: block template is missing",
		}},
		"references": {google.CheckReferences(m), []string{
			"references.tf:1: variable unused is not used",
			"references.tf:6: local value unused is not used",
			"references.tf:10: there is no variable mising",
			"references.tf:11: there is no local value mising",
			"references.tf:12: there is no resource google_pubsub_topic.mising",
			"references.tf:13: google_pubsub_topic.there has no attribute uri",
			"references.tf:14: count has no meaning here",
			"references.tf:15: there is no data google_project.mising",
			"references.tf:16: module part has no output mising",
			"references.tf:17: there is no module mising",
			"references.tf:21: module part: argument given is missing",
			"references.tf:23: module part has no variable other",
		}},
		"documentation": {m.CheckDocumented(), []string{
			"main.tf:5: resource google_pubsub_topic.there: a comment with its reason is missing",
			"references.tf:1: variable unused: description is missing",
			"references.tf:1: variable unused: type is missing",
			`references.tf:25: output some: description "Some." has fewer than three words`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkFaults(t, tc.err, tc.want)
		})
	}
}

// checkFaults checks that the error has one line for each expected fault, and no other line.
func checkFaults(t *testing.T, err error, faults []string) {
	t.Helper()
	if err == nil {
		t.Fatal("no fault was found")
	}
	got := strings.Split(err.Error(), "\n")
	for _, want := range faults {
		if i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, want) }); i < 0 {
			t.Errorf("no fault says %q", want)
		} else {
			got = slices.Delete(got, i, i+1)
		}
	}
	if len(got) > 0 {
		t.Errorf("further faults:\n%s", strings.Join(got, "\n"))
	}
}

func readSchema(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Google()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readModule(t *testing.T, dir string) *schema.Module {
	t.Helper()
	m, err := schema.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
