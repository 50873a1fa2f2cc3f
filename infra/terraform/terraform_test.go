package terraform_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// release is the release of the provider. The configuration is checked with the schema of this release.
const release = "6.50.0"

// TestTerraform validates the configuration with Terraform and runs its tests, if Terraform is installed. The provider
// is a fake with the schema of the real provider, so nothing is downloaded.
func TestTerraform(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed here; infra/terraform/schema has checked what can be checked without it")
	}
	// Terraform allocates much memory. GOGC=400 saves a quarter of its time.
	env := append(os.Environ(), "TF_CLI_CONFIG_FILE="+mirror(t), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "GOGC=400")
	configuration := t.TempDir() // a copy, because init leaves a folder next to the configuration
	for _, dir := range []string{"terraform", "playbooks"} {
		if err := os.CopyFS(filepath.Join(configuration, dir), os.DirFS(filepath.Join("..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{".", "deploy", "bootstrap"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{
				{"init", "-no-color", "-input=false", "-backend=false"},
				{"validate", "-no-color"},
				{"test", "-no-color"},
				{"fmt", "-no-color", "-check", "-diff"},
			} {
				cmd := exec.CommandContext(t.Context(), terraform, args...)
				cmd.Dir, cmd.Env = filepath.Join(configuration, "terraform", dir), env
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
				}
			}
		})
	}
}

// mirror makes a folder from which Terraform installs the fake provider, and returns the configuration that names it.
func mirror(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "registry.terraform.io", "hashicorp", "google", release, runtime.GOOS+"_"+runtime.GOARCH)
	// Without debugging information, because Terraform often reads the whole file for its checksum.
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-buildvcs=false", "-o",
		filepath.Join(dir, "terraform-provider-google_v"+release), "./schema/standin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the stand-in: %v\n%s", err, out)
	}
	config := filepath.Join(root, "terraform.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", root)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return config
}
