package dataset

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scannedManifests are manifests of every format. In some of them, a list in the first object may be the manifest; the
// text after the object shows whether it is.
var scannedManifests = map[string]string{
	"array":               bom + "[\n{\"id\":\"a\"} , {\"id\":\"b\\\"]\"},\n\n[1, {}],7,\"x\\\\\"\n,\n{\"id\":\"c\"}\r]\n",
	"array of one":        `[{"a":1}]`,
	"empty array":         "[ ]",
	"lines":               "{\"id\":\"a\"}\r\n\n  {\"id\":\"b\\\"]\"}\n[1, {}]\n7\n\"x\\\\\"\n\r\n{\"id\":\"c\"}",
	"lines of a Mac":      "{\"id\":\"a\"}\r{\"id\":\"b\"}\r{\"id\":\"c\"}\r",
	"joined":              "{\"id\":\"a\"}\n" + bom + "{\"id\":\"ü𝄞\"}\n\ufffd{\n{\"id\":\"c\"}\n",
	"oops first":          "oops\n{\"id\":\"a\"}\noops\n{\"id\":\"b\"}\n",
	"objects":             "{\n\"id\":\"a\"\n}\n{\n\"id\":\"b\"\n},\n{\"id\":\"c\"}\n",
	"lines, then objects": "{\"id\":\"a\"}\n{\n\"id\":\"b\"}{\"id\":\"c\"}\n{\"id\":\"d\"}\n{\"id\"\n:\"e\"}\n",
	"objects on one":      `{"id":"a"} {"id":"b"} {"id":"c"}`,
	"list":                `{"version":"1","data":[{"id":"a"},{"id":"b"},{"id":"c"}],"n":[1,2]}`,
	"list over lines": "{\n\"version\":1,\n\"data\": [\n" +
		"{\"id\":\"a\"},\n{\"id\":\"b\"},\n{\"id\":\"ü\"}\n],\n\"n\":[]}\n",
	"list of a line": "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\n" +
		"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\n{\"id\":1}\n",
	"list of objects": "{\n\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\n{\n\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\n{}",
	"list of a record": "{\n\"images\":[{\"id\":\"a\"},{\"id\":\"b\"}],\n" +
		"\"messages\":[{\"role\":\"a\"},{\"role\":\"b\"}]}\n",
	"list, then broken": "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}], oops\n{\"id\":1}\n{\"id\":2}\n",
}

// TestScanInSteps splits manifests of every format and encoding in steps of different sizes, and stores the state
// between steps. Layouts and errors equal those of one pass.
func TestScanInSteps(t *testing.T) {
	t.Parallel()
	manifests := map[string]string{}
	for name, tc := range refusedManifests {
		manifests["refused: "+name] = tc.manifest
	}
	for name, manifest := range scannedManifests {
		manifests[name] = manifest
		manifests[name+" in UTF-16LE"] = in16(binary.LittleEndian, manifest)
		manifests[name+" in UTF-16BE"] = in16(binary.BigEndian, manifest)
	}
	const rangeBytes = 30
	longest := 0
	for name, manifest := range manifests {
		t.Run(name, func(t *testing.T) {
			for _, head := range []int{64, headBytes} {
				want, refused := split(strings.NewReader(manifest), rangeBytes, head)
				for step := int64(1); step <= int64(len(manifest)); step += 1 + step/4 {
					got, steps, err := scanInSteps(t, manifest, rangeBytes, step, head)
					if diff := cmp.Diff(fault(refused), fault(err)); diff != "" {
						t.Fatalf("steps of %d: error (-one pass +steps):\n%s", step, diff)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("steps of %d (-one pass +steps):\n%s", step, diff)
					}
					longest = max(longest, steps)
				}
			}
		})
	}
	if longest < 5 {
		t.Errorf("no manifest took more than %d steps", longest)
	}
}

// scanInSteps splits a manifest in steps, and returns the number of steps.
func scanInSteps(t *testing.T, manifest string, rangeBytes, step int64, head int) (Layout, int, error) {
	t.Helper()
	var scan Scan
	for n := 1; ; n++ {
		before := scan.Size
		next, err := scan.next(strings.NewReader(manifest[before:]), rangeBytes, step, head)
		if err != nil || next.Done {
			return next.Layout, n, err
		}
		if next.Size < before+step {
			t.Fatalf("a step of %d bytes ends after %d", step, next.Size-before)
		}
		stored, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		scan = Scan{}
		if err := json.Unmarshal(stored, &scan); err != nil {
			t.Fatal(err)
		}
	}
}

// TestScanStepsAreSmall splits manifests one record at a time, and counts the steps.
func TestScanStepsAreSmall(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"lines": 6, "joined": 4, "objects": 3, "objects on one": 3,
		"array": 7, "list": 4, "list over lines": 4, // the first step ends with the bracket
	} {
		if _, steps, err := scanInSteps(t, scannedManifests[name], 1, 1, 64); err != nil || steps != want {
			t.Errorf("%s: %d steps (%v), want %d", name, steps, err, want)
		}
	}
}

func fault(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
