// Package rubric defines the questions by which samples are rated: capabilities, styles, and the prompts.
package rubric

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed default.yaml
var defaultFile []byte

// A Rubric is one version of the questions about every sample. The order of its capabilities and styles is the order of
// ratings and of the styler's candidates.
type Rubric struct {
	Name         string   `yaml:"name" json:"name"`
	Capabilities []string `yaml:"capabilities" json:"capabilities"`
	Styles       []string `yaml:"styles" json:"styles"`
	Prompts      Prompts  `yaml:"prompts" json:"prompts"`
}

// Prompts are the texts that follow a sample's transcript. A field that a rubric file omits has the text of the default
// rubric.
type Prompts struct {
	// Trim is a set of characters that is cut from both ends of each question. In a rubric file, null means the default,
	// and "" cuts nothing.
	Trim *string `yaml:"trim" json:"trim"`
	// Scorer requests the rating of a capability, which replaces "{capability}".
	Scorer string `yaml:"scorer" json:"scorer"`
	// Styler requests the styles. The rubric's styles, joined by ", ", replace "{styles}".
	Styler string `yaml:"styler" json:"styler"`
}

const (
	capabilityMark = "{capability}"
	stylesMark     = "{styles}"
	imageMark      = "<image>"
)

// Default returns the rubric of the paper: 14 capabilities and 9 styles, with the prompts of the released models.
func Default() *Rubric {
	r, err := decode(defaultFile)
	if err == nil {
		err = r.validate()
	}
	if err != nil {
		panic("default rubric: " + err.Error()) // cannot happen: the file is embedded in the binary, and tests read it
	}
	return r
}

// MaxBytes is the largest size of a rubric file, in bytes.
const MaxBytes = 1 << 20

// Parse reads a rubric file (YAML). A missing prompt has the text of the default rubric. The error names every fault.
func Parse(file []byte) (*Rubric, error) {
	r, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("reading rubric: %w", err)
	}
	def := Default()
	if r.Prompts.Trim == nil {
		r.Prompts.Trim = def.Prompts.Trim
	}
	if r.Prompts.Scorer == "" {
		r.Prompts.Scorer = def.Prompts.Scorer
	}
	if r.Prompts.Styler == "" {
		r.Prompts.Styler = def.Prompts.Styler
	}
	if err := r.validate(); err != nil {
		return nil, fmt.Errorf("rubric %q: %w", r.Name, err)
	}
	return r, nil
}

func decode(file []byte) (*Rubric, error) {
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	var r Rubric
	if err := dec.Decode(&r); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: give name, capabilities and styles")
	} else if err != nil {
		return nil, err
	}
	return &r, nil
}

func (r *Rubric) validate() error {
	var faults []error
	if r.Name == "" {
		faults = append(faults, errors.New("name: it is missing; give the rubric a short name"))
	}
	faults = append(faults, checkNames("capabilities", r.Capabilities)...)
	faults = append(faults, checkNames("styles", r.Styles)...)
	for i, s := range r.Styles {
		if strings.Contains(s, ",") {
			faults = append(faults, fmt.Errorf("styles[%d]: %q has a comma, which separates styles in a styler's answer; "+
				"use another character", i, s))
		}
	}
	if strings.Count(r.Prompts.Scorer, capabilityMark) != 1 {
		faults = append(faults, fmt.Errorf("prompts.scorer: it must contain %s once", capabilityMark))
	}
	if strings.Count(r.Prompts.Styler, stylesMark) != 1 {
		faults = append(faults, fmt.Errorf("prompts.styler: it must contain %s once", stylesMark))
	}
	for _, text := range slices.Concat(r.Capabilities, r.Styles, []string{r.Prompts.Scorer, r.Prompts.Styler}) {
		if strings.Contains(text, imageMark) {
			faults = append(faults,
				fmt.Errorf("%q has %s, which marks an image of a sample; leave it out", text, imageMark))
		}
	}
	return errors.Join(faults...)
}

func checkNames(field string, names []string) []error {
	if len(names) == 0 {
		return []error{fmt.Errorf("%s: the list is empty; list at least one", field)}
	}
	var faults []error
	first := map[string]int{}
	for i, name := range names {
		if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "\n\r\t") {
			faults = append(faults, fmt.Errorf("%s[%d]: %q must be one line without spaces around it", field, i, name))
		}
		if j, seen := first[name]; seen {
			faults = append(faults, fmt.Errorf("%s[%d]: %q is already %s[%d]; remove one of the two", field, i, name, field, j))
			continue
		}
		first[name] = i
	}
	return faults
}

// Hash identifies the questions of the rubric: capabilities, styles and prompts, each in order. The name has no effect.
// The hash has 12 hex digits.
func (r *Rubric) Hash() string {
	asked := *r
	asked.Name = ""
	data, err := json.Marshal(asked)
	if err != nil {
		panic("hashing rubric: " + err.Error()) // cannot happen: the rubric has only strings
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
