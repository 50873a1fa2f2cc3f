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

type outer struct {
	Name   string   `json:"name" yaml:"name"`
	Hidden string   `json:"-" yaml:"-"`
	List   []string `json:"list,omitempty" yaml:"list"`
	inner  `yaml:",inline"`
}

func TestFields(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"json", "yaml"} {
		if diff := cmp.Diff([]string{"name", "list", "threshold"}, spelling.Fields(outer{}, tag)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"treshold": 1}`:      `unknown field "treshold"; did you mean "threshold"?`,
		`{"magic": 1}`:         `unknown field "magic"`,
		`{"threshold": "x"}`:   `threshold: give a whole number, not string`,
		`{"list": {"a": "b"}}`: `list: give a list, not object`,
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
		"name: a\ntreshold: 1\n": `line 2: there is no key "treshold"; did you mean "threshold"?`,
		"threshold: x\n":         `line 1: "x" is not a whole number`,
	} {
		dec := yaml.NewDecoder(strings.NewReader(text))
		dec.KnownFields(true)
		if err := spelling.YAML(dec.Decode(&outer{}), outer{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
