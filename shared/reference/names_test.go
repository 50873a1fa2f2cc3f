package reference

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/rubric"
)

// named are folders by the names of their capabilities, and what Load finds in the names.
var named = map[string]struct {
	names []string
	want  []Finding
}{
	"the rubric's keywords": {rubric.Default().Capabilities, nil},
	"short names":           {shortNames, nil},
	"an own rubric":         {[]string{"wit", "brevity", "ocr"}, nil},
	"few of the rubric":     {shortNames[:7], nil},
	"in capitals":           {renamed(rubric.Default().Capabilities, 1, "Attribute Identification"), nil},
	"with underscores":      {each(rubric.Default().Capabilities, strings.NewReplacer(" ", "_").Replace), nil},
	"all cut short": {
		each(rubric.Default().Capabilities, func(name string) string { return name[1:] }),
		nearest14(),
	},
	"cut short": {
		renamed(shortNames, 1, "attribut"),
		[]Finding{
			{Capability: "attribut", Kind: UnknownCapability, Nearest: "attribute"},
			{Capability: "attribute", Kind: MissingCapability},
		},
	},
	"removed": {shortNames[1:], []Finding{{Capability: "spatial", Kind: MissingCapability}}},
	"a copy alone": {
		renamed(shortNames, 10, "humanities (1)"),
		[]Finding{
			{Capability: "humanities (1)", Kind: UnknownCapability, Nearest: "humanities"},
			{Capability: "humanities", Kind: MissingCapability},
		},
	},
	"one more": {slices.Concat(shortNames, []string{"zebra"}), []Finding{{Capability: "zebra", Kind: UnknownCapability}}},
}

// each returns the names after a change.
func each(names []string, change func(string) string) (changed []string) {
	for _, name := range names {
		changed = append(changed, change(name))
	}
	return changed
}

// nearest14 returns the findings of a folder in which all capabilities lack their first letter, in the order of names.
func nearest14() (findings []Finding) {
	for _, name := range slices.SortedFunc(slices.Values(rubric.Default().Capabilities),
		func(a, b string) int { return strings.Compare(a[1:], b[1:]) }) {
		findings = append(findings, Finding{Capability: name[1:], Kind: UnknownCapability, Nearest: name})
	}
	return findings
}

func renamed(names []string, at int, name string) []string {
	names = slices.Clone(names)
	names[at] = name
	return names
}

// folderOf is a folder of scores with these capabilities, and its manifest.
func folderOf(t *testing.T, capabilities []string) (folder, manifest string) {
	t.Helper()
	content := map[string]string{"manifest.json": items, "style.jsonl": bothStyled}
	for _, name := range capabilities {
		content[name+extension] = bothRated
	}
	folder = files(t, content)
	return folder, filepath.Join(folder, "manifest.json")
}

// TestNames reports names of files that are not the rubric's although most are, and capabilities without a file.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, tt := range named {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, manifest := folderOf(t, tt.names)
			for _, requested := range [][]string{nil, tt.names} {
				data, err := Load(t.Context(), folder, manifest, requested...)
				if err != nil {
					t.Fatal(err)
				}
				defer data.Close()
				var want []Finding
				for _, f := range tt.want {
					f.File, f.Count = scorePath(folder, f.Capability), 1
					if requested == nil {
						want = append(want, f)
					}
				}
				if diff := cmp.Diff(want, data.Findings, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%d capabilities requested (-want +got):\n%s", len(requested), diff)
				}
				for _, f := range data.Findings {
					if strings.Contains(f.Kind.Meaning(2), string(f.Kind)) {
						t.Errorf("kind %s has no meaning", f.Kind)
					}
				}
			}
		})
	}
}

// copies are names of copies of ocr.jsonl.
var copies = []string{
	"ocr (1)", "ocr (copy)", "ocr (another copy)", "ocr (3rd copy)", "Copy of ocr", "Copy (2) of ocr", "ocr - Copy",
	"ocr - Copy (2)", "ocr(1)", "ocr_1", "ocr-1", "ocr.1", "ocr 1", "ocr_copy", "ocr-copy", "ocr copy 2", "ocr - Kopie",
	"ocr – копия", "ocr - 副本", "ocr~", "ocr~1", "ocr.bak", "ocr.old", "OCR (1) (1)", "Copy of ocr - Copy",
	"Optical-Character recognition (2)",
}

// TestNamedTwice refuses two files of one capability, and copies. The names of an own rubric may be names of the
// default rubric.
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	const ocr = "optical character recognition"
	refused := func(names []string, want ...string) {
		t.Helper()
		folder, manifest := folderOf(t, names)
		_, err := Load(t.Context(), folder, manifest)
		for _, words := range append(want, " in "+folder) {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("error %v, want %q", err, words)
			}
		}
	}
	for _, again := range []string{
		ocr, "Optical_Character-recognition", "OCR", "ocr ", "optical  character recognition",
	} {
		refused(append(slices.Clone(shortNames), again),
			"ocr.jsonl", again+".jsonl", "give the same capability; remove one")
	}
	for _, name := range copies {
		refused(append(slices.Clone(shortNames), name),
			`"`+name+`.jsonl"`, `looks like a copy of "ocr.jsonl"`, "remove one of them, or rename the file")
	}
	for _, name := range []string{"STYLE", "Style", "styles", "style (1)", "Copy of style", "style_2"} {
		for _, others := range [][]string{shortNames, {"wit", "brevity"}} {
			refused(append(slices.Clone(others), name), `"`+name+`.jsonl"`, `looks like a copy of "style.jsonl"`)
		}
	}
	refused([]string{"wit", "brevity", "Wit"}, "give the same capability")
	refused([]string{"wit", "brevity", "wit - Copy"}, `"wit - Copy.jsonl"`, `a copy of "wit.jsonl"`)
	refused([]string{"wit", "brevity", "wit_1"}, `"wit_1.jsonl"`, `a copy of "wit.jsonl"`)
	refused(renamed(append(slices.Clone(shortNames), "ocr_1"), 13, "ocr_2"), `a copy of "ocr_`)
}

// TestOwnNames reads files of an own rubric whose names look like copies, but are not: no file has the original name,
// or the files differ.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{
		{"ocr", "optical character recognition", "wit", "brevity"}, {"stage_1", "stage_2", "stage_10"},
		{"ocr_1", "ocr_2", "wit"}, {"wit (1)", "wit (2)"}, {"copy of form", "brevity"},
	} {
		folder, manifest := folderOf(t, names)
		data, err := Load(t.Context(), folder, manifest)
		if err != nil || len(data.Findings) > 0 || len(data.Pool.Capabilities) != len(names) {
			t.Fatalf("%q: %+v, error %v", names, data, err)
		}
		data.Close()
	}
	folder := files(t, map[string]string{
		"manifest.json": items, "style.jsonl": bothStyled, "wit.jsonl": bothRated, "wit_2.jsonl": line,
	})
	data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
	if err != nil || len(data.Pool.Capabilities) != 2 {
		t.Fatalf("files that differ: %+v, error %v", data, err)
	}
	data.Close()
}
