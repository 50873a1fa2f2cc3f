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
					if f.Kind.Meaning() == string(f.Kind) {
						t.Errorf("kind %s has no meaning", f.Kind)
					}
				}
			}
		})
	}
}

// TestNamedTwice refuses two files of one capability, except of an own rubric.
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	const ocr = "optical character recognition"
	for _, again := range []string{ocr, "Optical_Character-recognition", "OCR", "ocr (1)", "ocr - Copy", "ocr copy 2"} {
		folder, manifest := folderOf(t, slices.Concat(shortNames, []string{again}))
		_, err := Load(t.Context(), folder, manifest)
		want := " in " + folder + " give the same capability; remove one of them"
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), again+".jsonl") {
			t.Errorf("error %v, want the names of ocr.jsonl and %s.jsonl and %q", err, again, want)
		}
	}
	folder, manifest := folderOf(t, []string{"ocr", ocr, "wit", "brevity"})
	data, err := Load(t.Context(), folder, manifest)
	if err != nil || len(data.Findings) > 0 {
		t.Fatalf("of an own rubric: %+v, error %v", data, err)
	}
	data.Close()
}
