package run_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"go.yaml.in/yaml/v3"
)

func TestAllowance(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "5%", "0.05", "1.0", "0", "10", "100%", "2.5%", " 5 % "} {
		var inJSON, inYAML struct {
			MaxFailed run.Allowance `json:"m" yaml:"m"`
		}
		quoted, err := json.Marshal(map[string]string{"m": text})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(quoted, &inJSON); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if err := yaml.Unmarshal(quoted, &inYAML); err != nil || inYAML != inJSON {
			t.Errorf("%q in YAML is %v, in JSON %v (%v)", text, inYAML, inJSON, err)
		}
		if inJSON.MaxFailed.IsZero() != (text == "") {
			t.Errorf("%q is read as %v", text, inJSON.MaxFailed)
		}
	}
	var number struct{ M run.Allowance }
	if err := json.Unmarshal([]byte(`{"M": 0.05}`), &number); err != nil || number.M.String() != "0.05" {
		t.Errorf("the number 0.05 is read as %v (%v)", number.M, err)
	}
	for _, text := range []string{"x", "-1", "101%", "1.1", "%", ".", "1e3", "5 percent"} {
		if a, err := run.ParseAllowance(text); err == nil {
			t.Errorf("%q is read as %v", text, a)
		}
	}
	for samples := int64(1); samples <= 300; samples++ {
		for failed := range samples {
			passes := run.Passes(events.Counts{In: samples, Scored: samples - failed, Failed: failed})
			if !passes.Allows(failed, samples) {
				t.Errorf("%s does not allow %d of %d", passes, failed, samples)
			}
			if again := allow(t, passes.String()); again != passes {
				t.Errorf("%s is read as %v, want %v", passes, again, passes)
			}
		}
	}
	if allow(t, "28%").Allows(29, 100) || allow(t, "2.5%").Allows(26, 1000) || !allow(t, "0.1%").Allows(1, 1000) {
		t.Error("wrong limits")
	}
	for _, text := range []string{"101%", "99999999999999999999"} {
		if _, err := run.ParseAllowance(text); err == nil || !strings.Contains(err.Error(), "is more than all samples") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}
