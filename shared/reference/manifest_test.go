package reference

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestManifestLong reads items that are longer than a window, in pieces of any size.
func TestManifestLong(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\ufeff \n[")
	var starts []int64
	for i := range 5 {
		if i > 0 {
			b.WriteString("\n,\t")
		}
		starts = append(starts, int64(b.Len()))
		text := strings.Repeat(`x\"{[`, windowBytes/5+i*1000)
		fmt.Fprintf(&b, `{"text": "%s\\", "idx": %d, "image_source": "web", "list": [[], {"a": "%s"}]}`,
			text, i, text[:100])
	}
	b.WriteString(" ]\r\n")
	starts = append(starts, int64(b.Len()))
	m := new(manifest)
	if err := m.read(iotest.HalfReader(strings.NewReader(b.String())), selection.NewBuilder()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(starts, m.start); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{0, 1, 2, 3, 4}, m.rows.numbers); diff != "" {
		t.Errorf("idx (-want +got):\n%s", diff)
	}
}

// FuzzManifest compares the reading of every valid manifest with encoding/json.
func FuzzManifest(f *testing.F) {
	for _, text := range []string{
		`[]`, `[{"idx": 1, "image_source": "web"}]`,
		` [ {"a":[{"idx":2}],"idx":1,"image_source":null} , {"idx":-3,"image_source":"\u0061\"]"} ] `,
		`[{"idx":1,"x":1e5},{"idx":1}]`, `[{"\u0069dx":1}]`, `[{]}]`, `[{"idx":"}`, `{"idx":1}`,
		`[{},{"":""}]`, `[1,2]`, `[{"idx":"a\u0061"},{"idx":"","image_source":"x"}]`, `[{"idx":"1"},{"idx":1}]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, build := new(manifest), selection.NewBuilder()
		err := m.read(strings.NewReader(text), build)
		var items []map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &items) != nil {
			return // text between brackets is checked only when it is written
		}
		if err != nil {
			return
		}
		if m.rows.len() != len(items) || len(m.start) != len(items)+1 {
			t.Fatalf("%q gives %d items at %d offsets, want %d", text, m.rows.len(), len(m.start), len(items))
		}
		for i, item := range items {
			want, err := parseIdx(item["idx"])
			if got := m.rows.at(i); err != nil || got != want {
				t.Fatalf("%q: item %d has idx %s, want %s, %v", text, i, got, item["idx"], err)
			}
			source := "nan"
			if value, given := item["image_source"]; given {
				source = "None"
				if string(value) != "null" {
					if err := json.Unmarshal(value, &source); err != nil {
						t.Fatalf("%q: item %d has the source %s, which is accepted", text, i, value)
					}
				}
			}
			if got := build.Pool.SourceNames[build.Pool.Source[i]]; got != source {
				t.Fatalf("%q: item %d has the source %q, want %q", text, i, got, source)
			}
			var whole map[string]json.RawMessage
			if err := json.NewDecoder(strings.NewReader(text[m.start[i]:m.start[i+1]])).Decode(&whole); err != nil {
				t.Fatalf("%q: item %d is not at %d: %v", text, i, m.start[i], err)
			}
		}
	})
}
