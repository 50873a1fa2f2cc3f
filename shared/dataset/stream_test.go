package dataset

import (
	"io"
	"runtime"
	"strings"
	"testing"
)

// A generator generates a manifest while it is read: a head, records with a separator between them, and a tail.
type generator struct {
	head, record, separator, tail string
	records                       int
	made                          int    // number of generated parts: head, record, separator, record and so on
	ready                         string // unread rest of the last part
}

func (g *generator) Read(p []byte) (int, error) {
	for g.ready == "" {
		switch {
		case g.made > 2*g.records:
			return 0, io.EOF
		case g.made == 2*g.records:
			g.ready = g.tail
		case g.made == 0:
			g.ready = g.head
		case g.made%2 == 1:
			g.ready = g.record
		default:
			g.ready = g.separator
		}
		g.made++
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

// The memory does not depend on the size of the manifest. The test is not parallel, because it counts allocations of
// the whole process.
func TestSplitMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it splits 128 MB in each form")
	}
	record := `{"id": 1, "text": "` + strings.Repeat("some text ", 6550) + `"}`
	const records = 2000
	for name, g := range map[string]generator{
		"array":           {head: "[", separator: ",", tail: "]"},
		"lines":           {separator: "\n"},
		"old Mac":         {separator: "\r"},
		"list on a line":  {head: `{"version": 1, "data": [`, separator: ",", tail: `], "end": {}}`},
		"list over lines": {head: "{\n\"data\": [\n", separator: ",\n", tail: "\n]\n}\n"},
		"objects":         {head: "{\n}\n", separator: "\n"},
		"one long line":   {head: `{"id": 0, "objects": [`, separator: ",", tail: "]}\n{}\n"},
	} {
		g.record, g.records = record, records
		want := int64(records)
		switch name {
		case "objects":
			want++
		case "one long line":
			want = 2
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		layout, err := Split(&g, 16<<20)
		runtime.ReadMemStats(&after)
		if err != nil || layout.Records != want {
			t.Errorf("%s: %d records, %v; want %d", name, layout.Records, err, want)
		}
		if got := len(layout.Ranges); name != "one long line" && got != 8 {
			t.Errorf("%s: %d ranges of 16 MB, want 8", name, got)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 6<<20 {
			t.Errorf("%s: %d bytes were allocated for 128 MB", name, used)
		}
	}
}
