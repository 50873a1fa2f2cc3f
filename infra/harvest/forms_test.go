package main

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// For every form of a manifest's file, the subset has the manifest's records unchanged.
func TestFormsOfManifests(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	record := func(id string) string {
		return fmt.Sprintf(`{"id":%q, "score": NaN, "conversations":[{"from":"human","value":"Wie groß?"},`+
			`{"from":"gpt","value":"Zwei."}]}`, id)
	}
	a, b := record("a"), record("b")
	spread := strings.ReplaceAll(a, ", ", ",\n  ")
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + a + "\r\n" + b + "\r\n")) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	array := func(records ...string) string { return "[\n" + strings.Join(records, ",\n") + "\n]\n" }
	for name, tc := range map[string]struct{ manifest, file, want string }{
		"wrapped list":       {`{"version": 1, "data": [` + a + "," + b + `], "n": 2}`, "subset.json", array(a, b)},
		"objects over lines": {spread + "\n" + b + "\n", "subset.json", array(spread, b)},
		"old Mac":            {a + "\r" + b + "\r", "subset.jsonl", a + "\n" + b + "\n"},
		"commas and marks":   {"\ufeff" + a + ",\n\ufeff" + b + "\n", "subset.jsonl", a + "\n" + b + "\n"},
		"UTF-16":             {string(wide), "subset.jsonl", a + "\n" + b + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "data.parquet"), tc.manifest) // the extension does not show the form of the file
			mustHarvest(t, dir, "curate", "--budget", "1.0", "--state", "state", "--out", "out", "data.parquet")
			got := readFile(t, filepath.Join(dir, "out", tc.file))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the subset (-want +got):\n%s", diff)
			}
		})
	}
}

// The error of a refused file has the name that the user typed, and a command that makes a manifest of the file.
func TestRefusedManifestsAreNamedAsTyped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "sub", "packed.json.gz"), "\x1f\x8b\x08\x00")
	writeFile(t, filepath.Join(dir, "prose.json"), "Dear colleague,\n")
	const packed = "harvest: manifest ./sub/packed.json.gz: the file is compressed with gzip and cut short: it ends " +
		"after 4 bytes, which unpack to 0; download or compress it again\n"
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"curate", "--budget", "1", "./sub/packed.json.gz", "prose.json"}, packed},
		{[]string{"plan", "./sub/packed.json.gz"}, packed},
		{[]string{"prompts", "./sub/packed.json.gz"}, packed},
		{[]string{"plan", "sub/../prose.json"}, "harvest: manifest sub/../prose.json: byte 0 (line 1): the file is not JSON"},
	} {
		a := harvest(t, dir, nil, append(tc.args, "--state", "state")...)
		if a.status != 1 || !strings.HasPrefix(a.stderr, tc.says) {
			t.Errorf("harvest %q: status %d, %q, want 1 and %q", tc.args, a.status, a.stderr, tc.says)
		}
	}
}

// plan prints the form of the records, and the contents that were read from some records. --format reads the records in
// another form.
func TestPlanShowsForms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "mix.jsonl"), strings.Join([]string{
		`{"id": 1, "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}`,
		`{"id": "b", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "b.png"}}]}, ` +
			`{"role": "assistant", "content": "A b."}], "conversations": null}`,
	}, "\n"))
	shown := mustHarvest(t, dir, "plan", "--state", "state", "mix.jsonl")
	for _, want := range []string{
		"LLaVA (1), OpenAI messages with image parts (1)",
		"mix.jsonl: element 1 (line 1) read as LLaVA: id 1, source mix\n  human: \"Why?\"\n  gpt: \"So.\"\n" +
			"mix.jsonl: element 2 (line 2) read as OpenAI messages with image parts: id b,\n  source mix\n" +
			"  human: \"[image 1]\"\n  gpt: \"A b.\"\n  image 1: b.png\n",
		"harvest: warning: id is a number (1) and a string (1): ",
	} {
		if !strings.Contains(shown.stdout+shown.stderr, want) {
			t.Errorf("plan does not show %q:\n%s%s", want, shown.stdout, shown.stderr)
		}
	}
	curated := mustHarvest(t, dir,
		"curate", "--budget", "1.0", "--state", "state", "--out", "out", "--max-failed", "100%", "mix.jsonl")
	if want := "form: LLaVA (1), OpenAI messages with image parts (1)\n"; !strings.Contains(curated.stdout, want) {
		t.Errorf("curate does not show %q:\n%s", want, curated.stdout)
	}
	forced := mustHarvest(t, dir, "plan", "--json", "--format", "llava", "--state", "state", "mix.jsonl")
	for _, want := range []string{`"LLaVA": 2`, `"no_conversation": 1`} {
		if !strings.Contains(forced.stdout, want) {
			t.Errorf("plan --format llava does not show %s:\n%s", want, forced.stdout)
		}
	}
	writeFile(t, filepath.Join(dir, "swift.jsonl"), `{"images":["1.jpg"],"messages":[{"role":"user","content":"<image>`+
		`Why?"},{"role":"assistant","content":"So."}]}`)
	wrong := harvest(t, dir, nil, "curate", "--budget", "1", "--format", "imagefolder", "--state", "state", "swift.jsonl")
	if wrong.status != 1 {
		t.Errorf("curate with another form than the records': status %d", wrong.status)
	}
	says(t, wrong.stderr, `the record looks like the form "ms-swift", but --format`, "; leave out --format")
	refused := harvest(t, dir, nil, "plan", "--format", "lava", "--state", "state", "mix.jsonl")
	if refused.status != 2 || !strings.Contains(refused.stderr, `did you mean "LLaVA"?`) {
		t.Errorf("plan --format lava: status %d, %s", refused.status, refused.stderr)
	}
}

// The subset of a compressed manifest equals the subset of the unpacked manifest, and no unpacked file is left in the
// state folder.
func TestCompressedManifests(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	plain := readFile(t, "../../testdata/demo/dataset.json")
	demo := demoFolder(t)
	writeFile(t, filepath.Join(dir, "dataset.json"), plain)
	writeFile(t, filepath.Join(dir, "dataset.json.gz"), pack(t, compression.Gzip, plain))
	subset := map[string]string{}
	for _, manifest := range []string{"dataset.json", "dataset.json.gz"} {
		mustHarvest(t, dir, "curate", "--budget", "20%", "--images", demo, "--state", "state", "--out", "out", manifest)
		subset[manifest] = readFile(t, filepath.Join(dir, "out", "subset.json"))
	}
	if diff := cmp.Diff(subset["dataset.json"], subset["dataset.json.gz"]); diff != "" {
		t.Errorf("subset (-plain +compressed):\n%s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "state", "tmp", "unpacked", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the state folder: %v, %v", left, err)
	}
}
