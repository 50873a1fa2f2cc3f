package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// readID reads only the id and the turns of a record.
func readID(raw []byte, place Place) *Sample {
	s := NewSample(raw, place)
	var record struct {
		ID            json.RawMessage
		Conversations []json.RawMessage
	}
	err := json.Unmarshal(raw, &record)
	if record.ID != nil {
		s.ID = strings.Trim(string(record.ID), `"`)
	}
	if err != nil || record.Conversations == nil {
		s.Problem = &Problem{Fault: Fault{Code: NoConversation}, Place: place}
	}
	return s
}

// newReader calls NewReader with a default limit.
func newReader(tb testing.TB, r io.Reader, framing Framing, span Span, manifest string, limits Limits) *Reader {
	tb.Helper()
	if limits.MaxRecordBytes == 0 {
		limits.MaxRecordBytes = 32 << 20
	}
	reader, err := NewReader(r, framing, span, manifest, limits, readID)
	if err != nil {
		tb.Fatal(err)
	}
	return reader
}

// readAll splits a manifest into ranges of rangeBytes and reads them all.
func readAll(tb testing.TB, manifest []byte, rangeBytes int64, limits Limits) []Sample {
	tb.Helper()
	layout, err := Split(bytes.NewReader(manifest), rangeBytes)
	if err != nil {
		tb.Fatal(err)
	}
	return readLayout(tb, manifest, layout, limits)
}

// readLayout reads all ranges of a manifest. For each range, it gives the Reader only the bytes of this range.
func readLayout(tb testing.TB, manifest []byte, layout Layout, limits Limits) []Sample {
	tb.Helper()
	var samples []Sample
	for _, span := range layout.Ranges {
		r := newReader(
			tb,
			bytes.NewReader(manifest[span.Start:span.End]),
			layout.Framing,
			span,
			"demo."+string(layout.Format),
			limits,
		)
		list, err := drain(r)
		if err != io.EOF {
			tb.Fatal(err)
		}
		if int64(len(list)) != span.Records {
			tb.Errorf("%d samples of %+v", len(list), span)
		}
		samples = append(samples, list...)
	}
	return samples
}

// drain reads until an error.
func drain(r *Reader) (list []Sample, err error) {
	for {
		s, err := r.Next()
		if err != nil {
			return list, err
		}
		list = append(list, *s)
	}
}

// problems returns the codes of the samples' problems, "" for a valid sample.
func problems(samples []Sample) []reason.Code {
	codes := make([]reason.Code, len(samples))
	for i, s := range samples {
		if s.Problem != nil {
			codes[i] = s.Problem.Code
		}
	}
	return codes
}

// valid is a record without a problem.
const valid = `{"id": "a", "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}`

func TestReaderRefusesNoLimit(t *testing.T) {
	t.Parallel()
	span := Span{End: 2, Records: 1, FirstElement: 1, FirstLine: 1}
	_, err := NewReader(strings.NewReader("{}"), Framing{Format: Lines}, span, "demo.jsonl", Limits{}, readID)
	if err == nil || !strings.Contains(err.Error(), "MAX_RECORD_BYTES: 0") {
		t.Errorf("NewReader without a limit: %v, want an error that names it", err)
	}
}

func TestReaderNamesPlaces(t *testing.T) {
	t.Parallel()
	var got []Place
	for _, s := range readAll(t, []byte("[\n"+valid+",\n\n{\n},[]\n]"), 20, Limits{}) {
		got = append(got, s.Place)
	}
	want := []Place{
		{Manifest: "demo.json", Element: 1, Line: 2},
		{Manifest: "demo.json", Element: 2, Line: 4},
		{Manifest: "demo.json", Element: 3, Line: 5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// Records with equal ids are separate samples, because a sample is identified by its place.
func TestReaderKeepsEqualIDs(t *testing.T) {
	t.Parallel()
	invalid := `{"id": "a"}`
	records := []string{valid, invalid, valid, valid}
	samples := readAll(t, []byte("["+strings.Join(records, ",\n")+"]"), 1<<20, Limits{})
	if diff := cmp.Diff([]reason.Code{"", NoConversation, "", ""}, problems(samples)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for i, s := range samples {
		if s.ID != "a" || s.Place.Element != int64(i+1) {
			t.Errorf("sample %d has id %q, place %v", i, s.ID, s.Place)
		}
	}
}

func TestReaderLimitsRecords(t *testing.T) {
	t.Parallel()
	large := `{"id": "` + strings.Repeat("x", 1000) + `"}`
	for name, manifest := range map[string]string{
		"array": "[" + valid + "," + large + "," + strings.ReplaceAll(valid, `"a"`, `"b"`) + "]",
		"lines": valid + "\n" + large + "\n" + strings.ReplaceAll(valid, `"a"`, `"b"`),
	} {
		samples := readAll(t, []byte(manifest), 1<<20, Limits{MaxRecordBytes: len(valid)})
		if diff := cmp.Diff([]reason.Code{"", RecordTooLarge, ""}, problems(samples)); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", name, diff)
		}
		if s := samples[1]; s.Raw != nil || !strings.HasSuffix(s.ID, "#2") ||
			!strings.Contains(s.Problem.Detail, "1010 bytes") {
			t.Errorf("%s: the large record is %+v", name, s)
		}
	}
}

// zeros is an endless record.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// A record far above the limit takes no more memory than the limit. The test is not parallel, because it counts the
// allocations of the whole process.
func TestReaderMemoryIsBounded(t *testing.T) {
	span := Span{End: 64 << 20, Records: 1, FirstElement: 1, FirstLine: 1}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := newReader(
		t,
		zeros{},
		Framing{Format: Lines},
		span,
		"demo.jsonl",
		Limits{MaxRecordBytes: 1 << 20},
	).Next()
	runtime.ReadMemStats(&after)
	if err != nil || s.Problem == nil || s.Problem.Code != RecordTooLarge {
		t.Fatalf("Next: %+v, %v; want a record that is too large", s, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes were allocated for a record of 64 MiB with a limit of 1 MiB", used)
	}
}

func TestReaderRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	const array, lines = `[{"id":1}, {"id":2}]`, "{\"id\":1}\n{\"id\":2}\n"
	for name, tc := range map[string]struct {
		manifest string
		input    func(span []byte) io.Reader
		want     error // nil: any
	}{
		"array cut short in a record": {
			array, func(b []byte) io.Reader { return bytes.NewReader(b[:len(b)-1]) }, io.ErrUnexpectedEOF,
		},
		"array cut short between": {
			array, func(b []byte) io.Reader { return bytes.NewReader(b[:9]) }, io.ErrUnexpectedEOF,
		},
		"lines cut short in a record": {
			lines, func(b []byte) io.Reader { return bytes.NewReader(b[:len(b)-1]) }, io.ErrUnexpectedEOF,
		},
		"lines cut short between": {
			lines, func(b []byte) io.Reader { return bytes.NewReader(b[:8]) }, io.ErrUnexpectedEOF,
		},
		"array that fails": {
			array, func(b []byte) io.Reader { return iotest.TimeoutReader(iotest.HalfReader(bytes.NewReader(b))) },
			iotest.ErrTimeout,
		},
		"lines that fail": {
			lines, func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b[:9]), iotest.ErrReader(broken)) },
			broken,
		},
		"array with fewer records": {
			array, func(b []byte) io.Reader { return strings.NewReader(`{"id":1, "more": 2}`) }, io.ErrUnexpectedEOF,
		},
		"array without a comma": {
			array, func(b []byte) io.Reader { return strings.NewReader(`{"id":1}  {"id":2}`) }, nil,
		},
		"array with mismatched brackets": {
			array, func(b []byte) io.Reader { return strings.NewReader(`{"id":1}, {"id":2]`) }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layout, err := Split(strings.NewReader(tc.manifest), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			span := layout.Ranges[0]
			r := newReader(t, tc.input([]byte(tc.manifest)[span.Start:span.End]), layout.Framing, span, "demo", Limits{})
			_, err = drain(r)
			var format *FormatError
			if err == io.EOF || errors.As(err, &format) || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("Next: %v, want %v", err, tc.want)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("Next after an error: %v, want %v again", again, err)
			}
		})
	}
}

func TestReaderReadsRealData(t *testing.T) {
	t.Parallel()
	manifest := pool(t)
	var want []json.RawMessage
	if err := json.Unmarshal(manifest, &want); err != nil {
		t.Fatal(err)
	}
	samples := readAll(t, manifest, 100_000, Limits{})
	if len(samples) != 4457 || len(want) != 4457 {
		t.Fatalf("%d samples of %d records, want 4457", len(samples), len(want))
	}
	for i, s := range samples {
		if s.Problem != nil {
			t.Errorf("unexpected problem: %v", s.Problem)
		}
		if !bytes.Equal(s.Raw, want[i]) {
			t.Fatalf("%v: Raw is not the record:\n%s", s.Place, s.Raw)
		}
	}
}
