package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeRegistry is a gcloud that knows one call of sidecar.sh: it prints the tags of an image from a file.
const fakeRegistry = `#!/bin/sh
want="artifacts docker tags list west-docker.pkg.dev/farm/harvest/sidecar \
--format=value(tag.basename(),version.basename())"
[ "$*" = "$want" ] || { echo "gcloud $*" >&2; exit 2; }
cat "$TAGS"
`

// sources is a checkout with the files that the tag of the sidecar's image depends on.
type sources struct {
	t         *testing.T
	dir, tags string
}

func newSources(t *testing.T) sources {
	t.Helper()
	s := sources{t: t, dir: t.TempDir()}
	s.tags = filepath.Join(s.dir, "tags")
	s.write("bin/gcloud", fakeRegistry)
	s.write("infra/build/sidecar.sh", readFile(t, "infra/build/sidecar.sh"))
	s.write("sidecar/.dockerignore", readFile(t, "sidecar/.dockerignore"))
	for _, name := range []string{"Dockerfile", "cloudbuild.yaml", "engine.py", "service/app.py", "requirements.lock"} {
		s.write("sidecar/"+name, name)
	}
	return s
}

func (s sources) write(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// run returns what sidecar.sh prints, and its errors if it fails.
func (s sources) run(gpu, command string) (output, failure string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "sh", "infra/build/sidecar.sh", command)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"), "TAGS="+s.tags,
		"IMAGES=west-docker.pkg.dev/farm/harvest", "PROJECT_ID=farm", "_REGION=west", "_NAME=harvest", "_GPU="+gpu)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return strings.TrimSpace(string(out)), stderr.String() + err.Error()
	}
	return strings.TrimSpace(string(out)), ""
}

// TestTagOfSidecar checks that the tag changes with each file of the image and with the GPU, and with no other file.
func TestTagOfSidecar(t *testing.T) {
	t.Parallel()
	s := newSources(t)
	tag := func(gpu string) string {
		t.Helper()
		output, failure := s.run(gpu, "tag")
		if failure != "" || !regexp.MustCompile(`^`+gpu+`-[0-9a-f]{16}$`).MatchString(output) {
			t.Fatalf("the tag is %q (%s)", output, failure)
		}
		return output
	}
	before := tag("nvidia-l4")
	for _, name := range []string{
		"README.md", "tests/test_engine.py", "tools/bench.py", "service/__pycache__/app.pyc", "requirements-ci.lock",
		"results.jsonl", "rubric.json", ".pytest_cache/v/x", "finetune/train.py", "engine.pyc",
	} {
		s.write("sidecar/"+name, "x")
	}
	if after := tag("nvidia-l4"); after != before {
		t.Errorf("files that are not in the image change its tag from %s to %s", before, after)
	}
	seen := map[string]bool{before: true}
	for _, name := range []string{
		"Dockerfile", "cloudbuild.yaml", "engine.py", "service/app.py", "requirements.lock", "new.py", ".dockerignore",
	} {
		s.write("sidecar/"+name, "\n")
		if after := tag("nvidia-l4"); seen[after] {
			t.Errorf("a change of %s does not change the tag", name)
		} else {
			seen[after] = true
		}
	}
	rtx, l4 := tag("nvidia-rtx-pro-6000"), tag("nvidia-l4")
	if strings.TrimPrefix(rtx, "nvidia-rtx-pro-6000") != strings.TrimPrefix(l4, "nvidia-l4") {
		t.Errorf("the tags %s and %s have different hashes of the same files", rtx, l4)
	}
	if _, failure := s.run("nvidia-t4", "tag"); !strings.Contains(failure, "give nvidia-rtx-pro-6000 or nvidia-l4") {
		t.Errorf("another GPU fails with %q", failure)
	}
	if err := os.Remove(filepath.Join(s.dir, "sidecar", "cloudbuild.yaml")); err != nil {
		t.Fatal(err)
	}
	if output, failure := s.run("nvidia-l4", "tag"); failure == "" {
		t.Errorf("without a file, the tag is %q", output)
	}
}

// TestFindSidecar checks that the image is found by its tag, and that the error has the command that builds it.
func TestFindSidecar(t *testing.T) {
	t.Parallel()
	s := newSources(t)
	tag, _ := s.run("nvidia-l4", "tag")
	command := "gcloud builds submit --project=farm --config=sidecar/cloudbuild.yaml " +
		"--substitutions=_REGION=west,_NAME=harvest,_GPU=nvidia-l4\n"
	for _, tags := range []string{"", "nvidia-l4-0123456789abcdef\tsha256:0a\n" + tag + "0\tsha256:0b\n"} {
		s.write("tags", tags)
		if output, failure := s.run("nvidia-l4", "find"); output != "" || !strings.Contains(failure, command) {
			t.Errorf("with the tags %q: %q, %q", tags, output, failure)
		}
	}
	s.write("tags", "7d0c-build\tsha256:0c\n"+tag+"\tsha256:0c\n")
	want := "west-docker.pkg.dev/farm/harvest/sidecar@sha256:0c"
	if output, failure := s.run("nvidia-l4", "find"); output != want || failure != "" {
		t.Errorf("found %q (%s), want %s", output, failure, want)
	}
	if err := os.Remove(s.tags); err != nil {
		t.Fatal(err)
	}
	if _, failure := s.run("nvidia-l4", "find"); !strings.Contains(failure, command) {
		t.Errorf("without an answer of the registry: %q", failure)
	}
}
