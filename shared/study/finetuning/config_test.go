package finetuning_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
	"go.yaml.in/yaml/v3"
)

// The trainer's configurations name the files that `harvest export` writes. They differ only in the model's name.
func TestTrainerConfigurations(t *testing.T) {
	t.Parallel()
	const root = "../../.."
	type config struct {
		Env             map[string]string `yaml:"ENV"`
		Plugins         []string          `yaml:"external_plugins"`
		Model           string            `yaml:"model"`
		Train           []string          `yaml:"dataset"`
		Validation      []string          `yaml:"val_dataset"`
		Output          string            `yaml:"output_dir"`
		TrainerSettings map[string]any    `yaml:",inline"`
	}
	read := func(model string) config {
		t.Helper()
		file, err := os.ReadFile(filepath.Join(root, "sidecar/finetune", model+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var c config
		if err := yaml.Unmarshal(file, &c); err != nil {
			t.Fatalf("%s.yaml: %v", model, err)
		}
		return c
	}
	scorer, styler := read("scorer"), read("styler")
	images := scorer.Env["ROOT_IMAGE_DIR"] // folder of the exported items, to which image names are relative
	written := []string{images + "/" + finetuning.ScorerTrain, images + "/" + finetuning.ScorerValidation}
	if diff := cmp.Diff(written, append(scorer.Train, scorer.Validation...)); diff != "" {
		t.Errorf("the scorer's files (-want +got):\n%s", diff)
	}
	written = []string{images + "/" + finetuning.StylerTrain, images + "/" + finetuning.StylerValidation}
	if diff := cmp.Diff(written, append(styler.Train, styler.Validation...)); diff != "" {
		t.Errorf("the styler's files (-want +got):\n%s", diff)
	}
	for _, plugin := range scorer.Plugins {
		if _, err := os.Stat(filepath.Join(root, plugin)); err != nil {
			t.Error(err)
		}
	}
	if len(scorer.Plugins) != 1 || scorer.TrainerSettings["model_type"] != "mmssr" ||
		scorer.TrainerSettings["strict"] != true {
		t.Errorf("plugins %v and settings %v", scorer.Plugins, scorer.TrainerSettings)
	}
	renamed := func(names ...string) string { return strings.ReplaceAll(strings.Join(names, " "), "styler", "scorer") }
	styler.Train, styler.Validation = []string{renamed(styler.Train...)}, []string{renamed(styler.Validation...)}
	styler.Model, styler.Output = renamed(styler.Model), renamed(styler.Output)
	if diff := cmp.Diff(scorer, styler); diff != "" {
		t.Errorf("the styler's configuration differs (-scorer +styler):\n%s", diff)
	}
}
