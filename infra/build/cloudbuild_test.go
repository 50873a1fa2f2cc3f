package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/api/cloudbuild/v1"
)

const root = "../.."

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The build of the deployment, and the build of the sidecar's image.
const (
	deployment = "cloudbuild.yaml"
	ofSidecar  = "sidecar/cloudbuild.yaml"
)

// readBuild decodes a build like the API: an unknown field is an error.
func readBuild(t *testing.T, file string) cloudbuild.Build {
	t.Helper()
	build, err := decodeBuild([]byte(readFile(t, file)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return build
}

// script returns the script of a step.
func script(t *testing.T, file, id string) string {
	t.Helper()
	for _, step := range readBuild(t, file).Steps {
		if step.Id == id {
			return step.Script
		}
	}
	t.Fatalf("%s has no step %s", file, id)
	return ""
}

// eachBuild runs a test for both builds.
func eachBuild(t *testing.T, test func(t *testing.T, file string, build cloudbuild.Build)) {
	t.Helper()
	for _, file := range []string{deployment, ofSidecar} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			test(t, file, readBuild(t, file))
		})
	}
}

func decodeBuild(text []byte) (build cloudbuild.Build, err error) {
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return build, err
	}
	data, err := json.Marshal(document)
	if err != nil {
		return build, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return build, dec.Decode(&build)
}

func TestBuildIsStrict(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"step: []", "steps: [{names: x}]", "options: {mapSubstitutions: true}", "timeout: 60", "steps: [{args: x}]",
	} {
		if _, err := decodeBuild([]byte(wrong)); err == nil {
			t.Errorf("%q is a build", wrong)
		}
	}
}

// needs names, for steps of both builds, other steps that must have ended before.
var needs = map[string]map[string][]string{
	deployment: {
		"scan": {"test", "functions"}, "pin": {"sidecar", "variables"}, "deploy": {"test", "scan", "push", "pin"},
		"try": {"deploy", "candidate"}, "shift": {"try"}, "smoke": {"shift"}, "settle": {"smoke"},
	},
	ofSidecar: {"sidecar": {"sidecar-tests"}, "scan": {"sidecar"}, "push": {"sidecar-tests", "scan"}},
}

// TestSteps checks the order of the steps. Each waits only for earlier steps, and an image is tested, scanned and
// pushed before it is deployed.
func TestSteps(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, file string, build cloudbuild.Build) {
		before := map[string][]string{} // the steps that have ended before one begins
		for _, step := range build.Steps {
			if before[step.Id] != nil || step.Id == "" {
				t.Errorf("step %q: the id is empty, or another step has it", step.Id)
			}
			before[step.Id] = []string{}
			if len(step.WaitFor) == 0 {
				t.Errorf("step %s does not say what it waits for", step.Id)
			}
			for _, id := range step.WaitFor {
				ended, known := before[id]
				if !known && id != "-" || id == step.Id {
					t.Errorf("step %s waits for %q, which is not a step before it", step.Id, id)
				}
				before[step.Id] = append(append(before[step.Id], ended...), id)
			}
			if step.Script == "" || step.Entrypoint != "" || len(step.Args) > 0 {
				t.Errorf("step %s: it has more than a script", step.Id)
			}
		}
		for step, earlier := range needs[file] {
			for _, need := range earlier {
				if !slices.Contains(before[step], need) {
					t.Errorf("%s does not wait for %s", step, need)
				}
			}
		}
	})
}

// TestGate checks that the builds run the tests of the gate, .ci/run, and that the gate has each named step.
func TestGate(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "bash", filepath.Join(root, ".ci", "run"), "--list").Output()
	if err != nil {
		t.Fatalf("listing the gate's steps: %v", err)
	}
	want := map[string]map[string][]string{
		deployment: {"test": {"", "vulns image"}}, ofSidecar: {"sidecar-tests": {"ruff pytest"}},
	}
	eachBuild(t, func(t *testing.T, file string, build cloudbuild.Build) {
		commands := map[string][]string{}
		for _, step := range build.Steps {
			for _, command := range regexp.MustCompile(`(?m)^\.ci/run(.*)$`).FindAllStringSubmatch(step.Script, -1) {
				commands[step.Id] = append(commands[step.Id], strings.TrimSpace(command[1]))
				for name := range strings.FieldsSeq(command[1]) {
					if !regexp.MustCompile(`(?m)^ *` + name + ` `).Match(list) {
						t.Errorf("step %s: the gate has no step %s", step.Id, name)
					}
				}
			}
		}
		if diff := cmp.Diff(want[file], commands); diff != "" {
			t.Errorf("what steps run of the gate (-want +got):\n%s", diff)
		}
	})
}

// Substitutions that Cloud Build sets, and variables that scripts define.
var (
	substitution = regexp.MustCompile(`\$\{?(_[A-Z0-9_]+|PROJECT_ID|BUILD_ID|[A-Z][A-Z0-9_]+)\b`)
	builtIn      = []string{"PROJECT_ID", "BUILD_ID"}
)

// TestSubstitutions checks that every used substitution is defined, and every defined one is used, also by the scripts
// in this folder that the steps call.
func TestSubstitutions(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, file string, build cloudbuild.Build) {
		defined := append([]string{}, builtIn...)
		for name := range build.Substitutions {
			defined = append(defined, name)
		}
		for _, variable := range build.Options.Env {
			name, _, _ := strings.Cut(variable, "=")
			defined = append(defined, name)
		}
		if !build.Options.AutomapSubstitutions {
			t.Error("the scripts have no substitutions")
		}
		_, used, _ := strings.Cut(readFile(t, file), "\nserviceAccount:")
		for _, called := range regexp.MustCompile(`sh (infra/build/\w+\.sh)`).FindAllStringSubmatch(used, -1) {
			if called[1] != "infra/build/traffic.sh" { // it defines variables; TestTraffic runs it
				used += readFile(t, called[1])
			}
		}
		for _, found := range substitution.FindAllStringSubmatch(used, -1) {
			if !slices.Contains(defined, found[1]) {
				t.Errorf("$%s is used, but not defined", found[1])
			}
		}
		for name := range build.Substitutions {
			if !regexp.MustCompile(`\$\{?` + name + `\b`).MatchString(used) {
				t.Errorf("%s is defined, but not used", name)
			}
		}
	})
}

// TestScripts parses each script with the shell that its first line names.
func TestScripts(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, _ string, build cloudbuild.Build) {
		for _, step := range build.Steps {
			shebang, _, _ := strings.Cut(step.Script, "\n")
			shell, err := exec.LookPath(strings.TrimPrefix(shebang, "#!"))
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
				t.Skipf("not tested: there is no %s", shebang)
			} else if err != nil {
				t.Fatalf("step %s begins with %q: %v", step.Id, shebang, err)
			}
			cmd := exec.Command(shell, "-n")
			cmd.Stdin = strings.NewReader(step.Script)
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("step %s: %v: %s", step.Id, err, output)
			}
			if !strings.Contains(step.Script, "\nset -eu") {
				t.Errorf("step %s continues after a failure", step.Id)
			}
		}
	})
}

// TestBuilders requires every step to run in an image that a substitution names, so that a digest can be given.
func TestBuilders(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, _ string, build cloudbuild.Build) {
		for _, step := range build.Steps {
			name, ok := strings.CutPrefix(step.Name, "${")
			if !ok || build.Substitutions[strings.TrimSuffix(name, "}")] == "" {
				t.Errorf("step %s runs in %s, which no substitution names", step.Id, step.Name)
			}
		}
	})
}

// TestProvenance requires each build to list the image that it always makes, and to fail without its provenance. Cloud
// Build fails if an image in the list does not exist.
func TestProvenance(t *testing.T) {
	t.Parallel()
	made := regexp.MustCompile(`docker build [^|]*--tag "\$IMAGES/([^"]+)"`)
	for file, image := range map[string]string{deployment: "functions:$BUILD_ID", ofSidecar: "sidecar:$BUILD_ID"} {
		build := readBuild(t, file)
		if len(build.Images) != 1 || !strings.HasSuffix(build.Images[0], "/"+image) {
			t.Errorf("%s: the build's record has the images %q, want %s", file, build.Images, image)
		}
		if build.Options.RequestedVerifyOption != "VERIFIED" {
			t.Errorf("%s does not request provenance", file)
		}
		var tags []string
		for _, step := range build.Steps {
			for _, found := range made.FindAllStringSubmatch(step.Script, -1) {
				tags = append(tags, found[1])
			}
		}
		if len(tags) != 1 {
			t.Errorf("%s builds %q, want one image", file, tags)
		}
		if strings.Contains(script(t, file, strings.TrimSuffix(image, ":$BUILD_ID")), "exit 0") {
			t.Errorf("%s does not always build its image", file)
		}
	}
	if !strings.Contains(readFile(t, "infra/terraform/bootstrap/apis.tf"), `"containeranalysis.googleapis.com"`) {
		t.Error("the project has no API for provenance")
	}
}

// TestDeployment checks the arguments of Terraform: images by digest, and variables that exist.
func TestDeployment(t *testing.T) {
	t.Parallel()
	deploy := script(t, deployment, "deploy")
	if !strings.Contains(script(t, deployment, "push"), "RepoDigests") || strings.Contains(deploy, "BUILD_ID") {
		t.Error("images are not deployed by digest")
	}
	variables, err := os.ReadFile(filepath.Join(root, "infra", "terraform", "variables.tf"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("not tested against Terraform's variables: infra/terraform is absent")
	} else if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`-var "(\w+)=`).FindAllStringSubmatch(deploy, -1) {
		if !strings.Contains(string(variables), `variable "`+found[1]+`"`) {
			t.Errorf("Terraform has no variable %s", found[1])
		}
	}
	outputs := readFile(t, "infra/terraform/outputs.tf")
	for _, found := range regexp.MustCompile(`output -raw (\w+)`).FindAllStringSubmatch(deploy, -1) {
		if !strings.Contains(outputs, `output "`+found[1]+`"`) {
			t.Errorf("Terraform has no output %s", found[1])
		}
	}
}

// TestBases compares the images that the builds build from and test in with those of the Dockerfiles, and the version
// of Go with go.mod. Images that both builds name must be equal.
func TestBases(t *testing.T) {
	t.Parallel()
	substitutions := readBuild(t, deployment).Substitutions
	for name, value := range readBuild(t, ofSidecar).Substitutions {
		if other, both := substitutions[name]; both && other != value && name != "_GPU" {
			t.Errorf("%s is %q in one build and %q in the other", name, other, value)
		}
		substitutions[name] = value
	}
	for file, bases := range map[string]map[string]string{
		"functions/Dockerfile": {"BUILD_BASE": "_FUNCTIONS_BUILD_BASE", "RUN_BASE": "_FUNCTIONS_RUN_BASE"},
		"sidecar/Dockerfile":   {"BASE": "_SIDECAR_BASE_L4", "TORCH_BUILD": "_SIDECAR_TORCH_L4"},
	} {
		text := readFile(t, file)
		for argument, name := range bases {
			if want := "\nARG " + argument + "=" + substitutions[name] + "\n"; !strings.Contains(text, want) {
				t.Errorf("%s has no %q, which the build has for %s", file, strings.TrimSpace(want), name)
			}
		}
	}
	for _, name := range []string{"_SIDECAR_TORCH_L4", "_SIDECAR_TORCH_RTX"} {
		readFile(t, "sidecar/requirements-"+substitutions[name]+".lock")
	}
	python, _ := strings.CutPrefix(substitutions["_SIDECAR_TEST_BASE"], "python:")
	if !strings.Contains(readFile(t, "sidecar/Dockerfile"), " python"+python+" ") {
		t.Errorf("the sidecar is tested with Python %q, which its image does not have", python)
	}
	_, line, _ := strings.Cut(readFile(t, "go.mod"), "\ngo ")
	least, _, _ := strings.Cut(line, "\n")
	base, want := substitutions["_FUNCTIONS_BUILD_BASE"], "golang:"+strings.TrimSuffix(least, ".0")+"."
	if !strings.HasPrefix(base, want) {
		t.Errorf("go.mod asks for Go %s, and %s builds it", least, base)
	}
}

// TestNoKeys checks that no file that is built, deployed or run holds a key.
func TestNoKeys(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`(?i)GOOGLE_APPLICATION_CREDENTIALS=|--key-file|service_account_key|"private_key"` +
		`|BEGIN [A-Z ]*PRIVATE KEY|google_service_account_key`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == ".git" || name == ".cache" || name == "testdata" || name == "out" || name == ".venv" {
				return fs.SkipDir
			}
			return nil
		}
		kinds := []string{".go", ".py", ".tf", ".yaml", ".yml", ".json", ".sh", ".hcl", ""}
		if !slices.Contains(kinds, filepath.Ext(name)) || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if found := key.Find(data); found != nil {
			t.Errorf("%s has %q", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
