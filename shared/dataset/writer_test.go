package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write returns the text of a part of a file, with these records.
func write(tb testing.TB, format Format, part Part, records ...string) string {
	tb.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, format, part)
	for _, raw := range records {
		if err := w.Write([]byte(raw)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestWriterWritesWholeFiles(t *testing.T) {
	t.Parallel()
	whole := Part{First: true, Last: true}
	for name, tc := range map[string]struct {
		format  Format
		records []string
		want    string
	}{
		"array":       {Array, []string{"{\n \"a\": 1}", `{ }`}, "[\n{\n \"a\": 1},\n{ }\n]\n"},
		"empty array": {Array, nil, "[\n\n]\n"},
		"lines":       {Lines, []string{`{"a": 1}`, `{ }`}, "{\"a\": 1}\n{ }\n"},
		"no lines":    {Lines, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := write(t, tc.format, whole, tc.records...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			if tc.format == Array && !json.Valid([]byte(got)) {
				t.Errorf("%q is not JSON", got)
			}
		})
	}
}

// The file does not depend on the division of records into parts. Parts may be empty.
func TestWriterPartsJoin(t *testing.T) {
	t.Parallel()
	records := []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}
	for _, format := range []Format{Array, Lines} {
		want := write(t, format, Part{First: true, Last: true}, records...)
		for i := range len(records) + 1 {
			for j := i; j <= len(records); j++ {
				got := write(t, format, Part{First: true}, records[:i]...) +
					write(t, format, Part{Follows: i > 0}, records[i:j]...) +
					write(t, format, Part{Follows: j > 0, Last: true}, records[j:]...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s in parts at %d and %d (-want +got):\n%s", format, i, j, diff)
				}
			}
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		format Format
		raw    string
	}{
		"a line break in lines": {Lines, "{\n}"},
		"empty, in lines":       {Lines, ""},
		"blank, in an array":    {Array, " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			w := NewWriter(&out, tc.format, Part{First: true, Last: true})
			if err := w.Write([]byte(tc.raw)); err == nil {
				t.Error("Write accepted the record")
			}
			if err := errors.Join(w.Write([]byte("{}")), w.Close()); err != nil {
				t.Fatal(err)
			}
			if want := write(t, tc.format, Part{First: true, Last: true}, "{}"); out.String() != want {
				t.Errorf("after the error the file is %q, want %q", out.String(), want)
			}
		})
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFailsWithItsOutput(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Array, Lines} {
		w := NewWriter(fullDisk{}, format, Part{First: true, Last: true})
		if err := w.Write([]byte(strings.Repeat("x", 100_000))); !errors.Is(err, errFull) {
			t.Errorf("Write to a full disk: %v", err)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("Close on a full disk: %v", err)
		}
	}
}

func TestWriterKeepsRealData(t *testing.T) {
	t.Parallel()
	manifest := pool(t)
	var records []string
	for _, s := range readAll(t, manifest, 1<<20, Limits{}) {
		records = append(records, string(s.Raw))
	}
	again := write(t, Array, Part{First: true, Last: true}, records...)
	if diff := cmp.Diff(records, raws(t, again, 1<<20)); diff != "" {
		t.Errorf("records after writing and reading (-want +got):\n%s", diff)
	}
}
