package spelling_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/spelling"
	"go.yaml.in/yaml/v3"
)

type inner struct {
	Threshold int `json:"threshold" yaml:"threshold"`
}

type part struct {
	Share string `json:"share" yaml:"share"`
	Most  string `json:"most" yaml:"most"`
}

type outer struct {
	Name   string          `json:"name" yaml:"name"`
	Hidden string          `json:"-" yaml:"-"`
	List   []string        `json:"list,omitempty" yaml:"list"`
	Parts  map[string]part `json:"parts" yaml:"parts"`
	inner  `yaml:",inline"`
}

func TestFields(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"json", "yaml"} {
		if diff := cmp.Diff([]string{"name", "list", "parts", "threshold"}, spelling.Fields(outer{}, tag)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"treshold": 1}`:      `unknown field "treshold"; did you mean "threshold"?`,
		`{"magic": 1}`:         `unknown field "magic"`,
		`{"threshold": "x"}`:   `threshold: give a whole number, not a text`,
		`{"threshold": 1.5}`:   `threshold: give a whole number, not 1.5`,
		`{"list": {"a": "b"}}`: `list: give a list, not names with values`,
		`[]`:                   `give values with the names name, list, parts, threshold, not a list`,
		`7`:                    `give values with the names name, list, parts, threshold, not a number`,
		`{"parts": {"a": 1}}`:  `parts: give values with the names share, most, not a number`,
	} {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := spelling.JSON(dec.Decode(&outer{}), outer{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"name: a\ntreshold: 1\n":  `line 2: there is no key "treshold"; did you mean "threshold"?`,
		"threshold: x\n":          `line 1: "x" is not a whole number`,
		"parts: {a: {shar: 1}}\n": `line 1: there is no key "shar"; did you mean "share"?`,
		"threshold: [1]\n":        `line 1: give a whole number, not a list`,
		"list: x\n":               `line 1: "x" is not a list`,
		"- a\n":                   `line 1: give values with the names name, list, parts, threshold, not a list`,
		"parts: [a]\n":            `line 1: give names with values, not a list`,
		"parts: {a: 20%}\n":       `line 1: give values with the names share, most, not "20%"`,
		"name: {a: 1}\n":          `line 1: give a text, not names with values`,
	} {
		dec := yaml.NewDecoder(strings.NewReader(text))
		dec.KnownFields(true)
		if err := spelling.YAML(dec.Decode(&outer{}), outer{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
