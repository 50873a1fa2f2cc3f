package run

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"go.yaml.in/yaml/v3"
)

// DatasetsPrefix is the prefix of uploaded datasets in the input bucket: datasets/<name>/...
const DatasetsPrefix = "datasets/"

// SpecFile is the name of the file in a dataset's prefix that describes the dataset.
const SpecFile = "dataset.yaml"

// MaxSpecBytes is the largest size of a SpecFile in bytes.
const MaxSpecBytes = 1 << 20

// MaxBudgets is the largest number of nested selections in one request.
const MaxBudgets = 20

// CheckBudgets returns an error if a request has more than MaxBudgets budgets.
func CheckBudgets(n int) error {
	if n > MaxBudgets {
		return fmt.Errorf("%d budgets are more than the limit of %d for one request; put the others into another request",
			n, MaxBudgets)
	}
	return nil
}

// A Spec describes a run: it is a dataset.yaml, or the body of POST /v1/runs.
type Spec struct {
	// Dataset is the dataset's name: one path element of letters, digits, '.', '_' and '-'.
	Dataset string `yaml:"-" json:"dataset"`
	// Manifests are names relative to datasets/<dataset>/, in the order of the dataset: names of manifests, names of
	// recipes (package recipe) that list manifests, or patterns with globs and braces. Readings and Takes of a pattern
	// apply to each file that matches.
	Manifests []string `yaml:"manifests" json:"manifests"`
	// Format is the name of the form of all records. If it is empty, the form of each record is recognised.
	Format string `yaml:"format,omitempty" json:"format,omitempty"`
	// Readings describe how records are read, by manifest.
	Readings map[string]forms.Reading `yaml:"readings,omitempty" json:"readings,omitempty"`
	// Takes restrict manifests to a part of their records, by manifest, such as first:1000 or end:10%.
	Takes map[string]dataset.Take `yaml:"takes,omitempty" json:"takes,omitempty"`
	// Images is the prefix in the input bucket of relative image names; images/<dataset>/ if empty. If it begins with ./,
	// it is relative to the dataset's own folder.
	Images string `yaml:"images" json:"images,omitempty"`
	// Rubric is the name of a rubric file relative to datasets/<dataset>/; the default rubric if empty.
	Rubric string `yaml:"rubric" json:"rubric,omitempty"`
	// Scorer is the kind of scorer; the service's default if empty. The URL of a scorer is configured in the service, so
	// that a dataset cannot send requests to any server.
	Scorer string `yaml:"scorer" json:"scorer,omitempty"`
	// LLMMode is the mode of the scorer llm, json or logprobs; the service's mode if empty.
	LLMMode string `yaml:"llm_mode,omitempty" json:"llm_mode,omitempty"`
	// Teacher provides annotations that the embedded scorer learns from before it rates the dataset; nil for none.
	Teacher *Teacher `yaml:"teacher,omitempty" json:"teacher,omitempty"`
	// Reuse is the id of an earlier run, for example of an earlier version of the dataset. Its scores of unchanged samples
	// are reused.
	Reuse string `yaml:"reuse" json:"reuse,omitempty"`
	// MaxFailed is the number of samples that may fail. If more samples fail, nothing is selected. The service's limit
	// applies if MaxFailed is not given.
	MaxFailed Allowance `yaml:"max_failed,omitempty" json:"max_failed,omitzero"`
	// Limit makes the run a trial on this number of records, spread evenly over the dataset; 0 means all records.
	Limit int64 `yaml:"limit,omitempty" json:"limit,omitempty"`
	// NoImageCheck turns off the check of images. Without it, each further request for the dataset compares its images
	// with their recorded state, and starts another attempt if some are new or have changed.
	NoImageCheck bool `yaml:"no_image_check,omitempty" json:"no_image_check,omitempty"`
	// Export makes `harvest serve` export subsets in the form of a trainer. It is read from the dataset.yaml that exists
	// when a selection is completed. Only dataset.yaml can have it.
	Export export.Request `yaml:"export,omitempty" json:"-"`
	// Request is the automatic selection. It is made when the run is scored, if it has a budget.
	selection.Request `yaml:",inline"`
}

// ParseSpec reads a dataset.yaml of the named dataset.
func ParseSpec(datasetName string, file []byte) (Spec, error) {
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	spec := Spec{}
	if err := dec.Decode(&spec); err != nil && !errors.Is(err, io.EOF) {
		if strings.Contains(err.Error(), "field duplicate_ids ") {
			err = fmt.Errorf("%w; remove duplicate_ids: all samples with equal ids are kept, "+
				"and `unique: true` selects one of several samples with equal content", err)
			return Spec{}, err
		}
		return Spec{}, spelling.YAML(err, spec)
	}
	spec.Dataset = datasetName
	return spec, spec.Validate()
}

// namePattern is the pattern of dataset names. runPattern is the pattern of run ids, which are 13 characters longer.
var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	runPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,112}$`)
)

// Validate returns an error that names every fault of the spec.
func (s Spec) Validate() error {
	var faults []error
	if !namePattern.MatchString(s.Dataset) {
		faults = append(faults, fmt.Errorf("dataset: %q is not a dataset name; "+
			"use 1 to 100 of A-Z a-z 0-9 . _ -, and begin with a letter or digit", s.Dataset))
	}
	if len(s.Manifests) == 0 {
		faults = append(faults, errors.New(
			"manifests: the list is empty; list at least one manifest, or a pattern such as *.json"))
	}
	seen := map[string]bool{}
	for i, m := range s.Manifests {
		if clean := path.Clean(m); clean != m || path.IsAbs(m) || strings.HasPrefix(m, "..") || m == "." {
			faults = append(faults, fmt.Errorf("manifests[%d]: %q must be a name below %s%s/, without `.` or `..`",
				i, m, DatasetsPrefix, s.Dataset))
		}
		if seen[m] {
			faults = append(faults, fmt.Errorf("manifests[%d]: %q is listed twice", i, m))
		}
		seen[m] = true
	}
	faults = append(faults, s.validateReadings()...)
	if prefix := s.ImagesPrefix(); path.IsAbs(prefix) || path.Clean(prefix)+"/" != prefix ||
		strings.HasPrefix(prefix, "..") {
		faults = append(faults, fmt.Errorf("images: %q must end with a slash: it is a prefix of the input bucket, such as "+
			"images/%s/, or a folder of the dataset, such as ./pictures/", s.Images, s.Dataset))
	}
	if s.Reuse != "" && !runPattern.MatchString(s.Reuse) {
		faults = append(faults, fmt.Errorf("reuse: %q is not a run id", s.Reuse))
	}
	if err := checkMode(s.LLMMode, s.Scorer); err != nil {
		faults = append(faults, err)
	}
	if s.Limit < 0 {
		faults = append(faults, fmt.Errorf("limit: %d; give the number of records of a trial, 1 or more", s.Limit))
	}
	if err := CheckBudgets(len(s.Within) + 1); err != nil {
		faults = append(faults, fmt.Errorf("within: %w", err))
	}
	if err := s.Export.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("export: %w", err))
	}
	if s.Teacher != nil {
		faults = append(faults, s.Teacher.validate(s))
	}
	faults = append(faults, s.Request.Validate())
	return errors.Join(faults...)
}

// ImagesPrefix returns the prefix in the input bucket of relative image names.
func (s Spec) ImagesPrefix() string {
	if s.Images == "" {
		return "images/" + s.Dataset + "/"
	}
	if rest, own := strings.CutPrefix(s.Images, "./"); own {
		return DatasetsPrefix + s.Dataset + "/" + rest
	}
	return s.Images
}

// validateReadings returns every fault of the format, the readings and the takes.
func (s Spec) validateReadings() (faults []error) {
	if err := (forms.Reading{Form: s.Format}).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("format: %w", err))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Readings)) {
		if !slices.Contains(s.Manifests, name) {
			faults = append(faults, fmt.Errorf("readings: %q is not one of the manifests%s",
				name, spelling.Hint(name, s.Manifests)))
		}
		if err := s.Readings[name].Validate(); err != nil {
			faults = append(faults, fmt.Errorf("readings: %s: form: %w", name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Takes)) {
		if !slices.Contains(s.Manifests, name) {
			faults = append(faults, fmt.Errorf("takes: %q is not one of the manifests%s", name,
				spelling.Hint(name, s.Manifests)))
		}
	}
	return faults
}

// reading returns how the records of a manifest are read.
func (s Spec) reading(manifest string) forms.Reading {
	reading := s.Readings[manifest]
	reading.Form = cmp.Or(reading.Form, s.Format)
	return reading
}

// checkMode returns an error for an unknown mode, and for a mode of a scorer that has no modes.
func checkMode(mode, kind string) error {
	if err := scorer.CheckMode(mode); err != nil {
		return fmt.Errorf("llm_mode: %w", err)
	}
	if mode != "" && kind != "" && kind != "llm" {
		return fmt.Errorf("llm_mode: %s is only for scorer: llm, not for %s; remove llm_mode", mode, kind)
	}
	return nil
}
