package reference

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
)

const missing = selection.Missing

// files writes files into a new folder. One of the files may be a manifest.
func files(t *testing.T, text map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range text {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// interpreter returns the path of a Python, which shows the reference's behaviour; it skips the test without Python.
func interpreter(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with")
	}
	return path
}

func TestLoad(t *testing.T) {
	t.Parallel()
	folder := files(t, map[string]string{
		"manifest.json": `[
			{"idx": 30, "image_source": "web", "text": "{\"idx\": 1, [\\"},
			{"image_source": "ocr\u0076qa", "idx": 10, "nested": {"idx": 5, "image_source": ["x"]}},
			{"idx": 7, "idx": 20, "image_source": null},
			{"idx": 5},
			{"i\u0064x": -1, "image_source": "ocrvqa"}
		]`,
		"ocr.jsonl": `{"idx": 10, "pred_response": "4"}
			{"pred_response": 3.9, "idx": 30, "model": "x"}` + "\r\n" + `
{"idx":20,"pred_response":"4.0"}
{"idx": 5, "pred_response": "\u0663", "IDX": 9}
`,
		"zebra.jsonl":                        `{"idx": 5, "pred_response": " +70000 "}`,
		"object spatial understanding.jsonl": `{"idx": -1, "pred_response": true}`,
		"style.jsonl": `{"idx": 10, "pred_response": "a, b ,a"}
{"idx": 30, "pred_response": "b,,odd\u001f"}
{"idx": 20, "pred_response": null}
{"idx": 5, "pred_response": ""}`,
		".hidden.jsonl": "no JSON",
		"notes.txt":     "no JSON",
	})
	data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	want := &selection.Pool{
		Capabilities: []string{"object spatial understanding", "ocr", "zebra"},
		Ratings: [][]int8{
			{missing, missing, missing, missing, 1},
			{3, 4, missing, 3, missing},
			{missing, missing, missing, maxRating, missing},
		},
		Index:       []int64{30, 10, 20, 5, -1},
		Source:      []uint32{0, 1, 2, 3, 1},
		SourceNames: []string{"web", "ocrvqa", "None", "nan"},
		Style:       []uint32{1, 2, 3, 0, 1, 2},
		StyleStart:  []uint32{0, 3, 5, 5, 6, 6},
		StyleNames:  []string{"a", "b", "", "odd"},
	}
	if diff := cmp.Diff(want, data.Pool); diff != "" {
		t.Errorf("pool (-want +got):\n%s", diff)
	}
	if err := data.Pool.Validate(); err != nil {
		t.Error(err)
	}
}

// TestLoadCapabilities loads only the given capabilities, in their order.
func TestLoadCapabilities(t *testing.T) {
	t.Parallel()
	folder := files(t, map[string]string{
		"manifest.json": `[{"idx": 0, "image_source": "web"}]`,
		"style.jsonl":   `{"idx": 0, "pred_response": "a"}`,
		"ocr.jsonl":     `{"idx": 0, "pred_response": "4"}`,
		"stem.jsonl":    `{"idx": 0, "pred_response": "no rating, and not read"`,
		"zebra.jsonl":   `{"idx": 0, "pred_response": "5"}`,
	})
	chosen, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"), "zebra", "ocr")
	if err != nil {
		t.Fatal(err)
	}
	defer chosen.Close()
	if diff := cmp.Diff([]string{"zebra", "ocr"}, chosen.Pool.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]int8{{5}, {4}}, chosen.Pool.Ratings); diff != "" {
		t.Errorf("ratings (-want +got):\n%s", diff)
	}
}

// Manifests of two items, and a line of a score file.
const (
	items  = `[{"idx": 0, "image_source": "web"}, {"idx": 1, "image_source": "web"}]`
	sparse = `[{"idx": 7, "image_source": "web"}, {"idx": 3, "image_source": "web"}]`
	line   = `{"idx": 0, "pred_response": "4"}` + "\n"
)

// loadErrors has inputs that Load refuses, with the expected error.
var loadErrors = map[string]struct {
	manifest, ocr, style string // an empty file does not exist
	capabilities         []string
	says                 []string
}{
	"no scores":        {manifest: items, says: []string{"none in", "<capability>.jsonl"}},
	"no capability":    {manifest: items, style: line, says: []string{"none in"}},
	"no styles":        {manifest: items, ocr: line, says: []string{"no style.jsonl"}},
	"other capability": {items, line, line, []string{"ocr", "stem"}, []string{`no capability "stem"`, "it has ocr"}},
	"capability twice": {items, line, line, []string{"ocr", "ocr"}, []string{`"ocr" is named twice`}},
	"no manifest":      {ocr: line, style: line, says: []string{"manifest.json", "no such file"}},

	"blank manifest": {" ", line, line, nil, []string{"blank", "JSON array"}},
	"lines": {
		`{"idx": 0}` + "\n" + `{"idx": 1}`, line, line,
		nil, []string{"begins with '{'", "JSON array"},
	},
	"no array's end": {items[:len(items)-1], line, line, nil, []string{"item 3", "cut short"}},
	"no item's end": {
		items[:len(items)-2], line, line,
		nil, []string{"item 2, at byte 36", "has no end"},
	},
	"no quote's end": {items[:len(items)-3], line, line, nil, []string{"item 2", "has no end"}},
	"wrong bracket": {
		`[{"idx": 0, "a": [{]}]`, line, line,
		nil, []string{"item 1", "found ']', but expected '}'"},
	},
	"no comma": {
		`[{"idx": 0, "image_source": ""} {}]`, line, line,
		nil, []string{"item 2", `"," or "]"`},
	},
	"trailing comma": {
		`[{"idx": 0, "image_source": ""},]`, line, line,
		nil, []string{"item 2", "a JSON object"},
	},
	"a number":         {`[1]`, line, line, nil, []string{"item 1", "a JSON object"}},
	"after the array":  {items + "]", line, line, nil, []string{"after the array"}},
	"no member's name": {`[{idx: 0}]`, line, line, nil, []string{"item 1", "a name in quotes"}},
	"no colon":         {`[{"idx" 0}]`, line, line, nil, []string{"item 1", `":"`}},
	"no value":         {`[{"idx": , "a": 1}]`, line, line, nil, []string{"item 1", "a value"}},
	"no comma in item": {`[{"idx": 0 "a": 1}]`, line, line, nil, []string{"item 1", `"," or "}"`}},
	"no idx": {
		`[{"id": 0, "image_source": "web"}]`, line, line,
		nil, []string{"item 1", "no idx"},
	},
	"idx is a fraction": {
		`[{"idx": 0.5, "image_source": "web"}]`, line, line,
		nil, []string{"item 1", `idx "0.5" is neither a text nor a whole number`},
	},
	"idx is long": {
		`[{"idx": "` + strings.Repeat("x", maxIdx+1) + `", "image_source": "web"}]`, line, line,
		nil, []string{"item 1", "has 1025 bytes, but at most 1024 are allowed"},
	},
	"idx of two forms": {
		`[{"idx": 0, "image_source": "web"}, {"idx": "1", "image_source": "web"}]`, line, line,
		nil, []string{"item 2", `idx is "1"`, "earlier idx are numbers"},
	},
	"idx is a text": {
		`[{"idx": "0", "image_source": "web"}]`, line, line,
		nil, []string{"line 1: idx 0 is not in the manifest, whose idx are texts"},
	},
	"idx is a text twice": {
		`[{"idx": "a", "image_source": "web"}, {"idx": "\u0061"}]`, line, line,
		nil, []string{"item 2", `idx "a"`, "as an earlier item"},
	},
	"no source at all": {`[{"idx": 0}, {"idx": 1}]`, line, line, nil, []string{"image_source"}},
	"source is a number": {
		`[{"idx": 0, "image_source": 7}]`, line, line,
		nil, []string{"item 1", "image_source 7 is not a text"},
	},
	"source is not a text": {
		`[{"idx": 0, "image_source": "\x"}]`, line, line,
		nil, []string{"item 1", "image_source"},
	},
	"item's idx twice": {
		`[{"idx": 0, "image_source": "web"}, {"idx": 0}]`, line, line,
		nil, []string{"item 2", "idx 0", "as an earlier item"},
	},
	"line without idx": {
		items, line + `{"pred_response": "4"}`, line,
		nil, []string{"ocr.jsonl: line 2: no idx"},
	},
	"line's idx is a text": {
		items, `{"idx": "0", "pred_response": "4"}`, line,
		nil, []string{`ocr.jsonl: line 1: idx "0" is not in the manifest, whose idx are numbers`},
	},
	"line of another": {
		items, line, "\n" + `{"idx": 2, "pred_response": "a"}`,
		nil, []string{"style.jsonl: line 2: idx 2 is not in the manifest"},
	},
	"line below": {
		items, `{"idx": -1, "pred_response": "a"}`, line,
		nil, []string{"ocr.jsonl: line 1: idx -1 is not"},
	},
	"line between": {sparse, `{"idx": 5, "pred_response": "a"}`, "\n", nil, []string{"idx 5 is not"}},
	"two ratings": {
		items, "\n" + line + `{"idx": 1, "pred_response": "3"}` + "\n" + `{"idx": 0, "pred_response": 3}`, line,
		nil, []string{`ocr.jsonl: line 4: idx 0 has the answer "3" here, but "4" in line 2: remove one`},
	},
	"a rating and none": {
		items, line + `{"idx": 0}`, line,
		nil, []string{`ocr.jsonl: line 2: idx 0 has the answer no pred_response here, but "4" in line 1`},
	},
	"styles in another order": {
		items, line, `{"idx": 0, "pred_response": "a,b"}` + "\n" + `{"idx": 0, "pred_response": "b,a"}`,
		nil, []string{`style.jsonl: line 2: idx 0 has the answer "b,a" here, but "a,b" in line 1`},
	},
	"cut line": {
		items, line + line[:20], line,
		nil, []string{"ocr.jsonl: line 2: not a JSON object", "fix"},
	},
	"cut short": {
		items, line + `{"idx": 1, "pred`, line,
		nil, []string{"ocr.jsonl: line 2: not a JSON object", "it is the last line, so the file is cut short"},
	},
	"list": {items, `[1]`, line, nil, []string{"ocr.jsonl: line 1: not a JSON object"}},
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range loadErrors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for name, text := range map[string]string{
				"manifest.json": tt.manifest, "ocr.jsonl": tt.ocr, "style.jsonl": tt.style,
			} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"), tt.capabilities...)
			if err == nil {
				data.Close()
				t.Fatal("no error")
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestLoadCanceled(t *testing.T) {
	t.Parallel()
	folder := files(t, map[string]string{
		"manifest.json": `[{"idx": 0, "image_source": "web"}]`,
		"ocr.jsonl":     `{"idx": 0, "pred_response": "4"}`, "style.jsonl": `{"idx": 0, "pred_response": "a"}`,
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, folder, filepath.Join(folder, "manifest.json")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	folder := files(t, map[string]string{
		"manifest.json": `[{"idx":0,"image_source":"web"} , {"idx":1,"x":1E2},
			{"idx":2,"x":[],"image_source":"é"},{"idx":3,"x":tru}]`,
		"ocr.jsonl": "", "style.jsonl": "",
	})
	data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	tests := map[string]struct {
		samples []uint32
		want    string
		says    string
	}{
		"none":       {nil, "[]", ""},
		"the second": {[]uint32{1}, "[\n  {\n    \"idx\": 1,\n    \"x\": 100.0\n  }\n]", ""},
		"out of order": {[]uint32{2, 0, 2}, "[\n  {\n    \"idx\": 0,\n    \"image_source\": \"web\"\n  },\n" +
			"  {\n    \"idx\": 2,\n    \"x\": [],\n    \"image_source\": \"é\"\n  }\n]", ""},
		"no JSON":          {[]uint32{0, 3}, "", "item 4, idx 3"},
		"none of the pool": {[]uint32{4}, "", "no sample 4, only 4 samples"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			err := data.Write(t.Context(), &got, tt.samples)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v does not say %q", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("subset (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("broken writer", func(t *testing.T) {
		if err := data.Write(t.Context(), brokenWriter{}, []uint32{0}); !errors.Is(err, errBroken) {
			t.Errorf("error %v, want %v", err, errBroken)
		}
	})
}

var errBroken = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
