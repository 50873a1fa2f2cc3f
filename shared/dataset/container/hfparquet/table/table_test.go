package table_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// write returns a file with records, whose images have the names a0 and so on.
func write(tb testing.TB, records []string, images []int) ([]byte, error) {
	tb.Helper()
	columns := table.NewColumns("images")
	for _, record := range records {
		if err := columns.Add([]byte(record)); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w, err := columns.NewWriter(&out)
	if err != nil {
		return nil, err
	}
	for i, record := range records {
		var shown []table.Image
		for n := range images[i] {
			image := table.Image{Bytes: fmt.Appendf(nil, "image %d of %d", n, i)}
			if n > 0 {
				image.Path = fmt.Sprintf("a%d.png", n)
			}
			shown = append(shown, image)
		}
		if err := w.Write([]byte(record), shown); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), nil
}

// A memory is a source in memory.
type memory []byte

func (m memory) Size(context.Context) (int64, error) { return int64(len(m)), nil }

func (m memory) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = int64(len(m)) - offset
	}
	return io.NopCloser(io.NewSectionReader(bytes.NewReader(m), offset, length)), nil
}

// read returns the records of a file, without fields that are null.
func read(tb testing.TB, file []byte) (records []any) {
	tb.Helper()
	kind := hfparquet.Kind()
	scan, err := kind.Scan(tb.Context(), memory(file), dataset.Scan{}, math.MaxInt64, math.MaxInt64)
	if err != nil {
		tb.Fatal(err)
	}
	limits := dataset.Limits{MaxRecordBytes: math.MaxInt32}
	for _, span := range scan.Ranges {
		for record, err := range kind.Records(tb.Context(), memory(file), span, "a.parquet", limits) {
			if err != nil || record.Fault != nil {
				tb.Fatal(err, record.Fault)
			}
			records = append(records, held(tb, record.Raw))
		}
	}
	return records
}

// held returns a JSON value without fields that are null.
func held(tb testing.TB, raw []byte) any {
	tb.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		tb.Fatalf("%v in %s", err, raw)
	}
	return withoutNull(value)
}

func withoutNull(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, item := range v {
			if item = withoutNull(item); item != nil {
				kept[key] = item
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		for i := range v {
			v[i] = withoutNull(v[i])
		}
	}
	return value
}

// TestTable writes records of all types, and reads the same records back.
func TestTable(t *testing.T) {
	t.Parallel()
	records := []string{
		`{"z": 1, "id": "a", "images": ["x"], "conversations": [{"from": "human", "value": "Ä\n"}, {"from": "gpt"}],
		  "deep": {"n": {"list": [[1, 2], [], [null, 3]]}, "f": true}, "half": 1, "never": null, "none": [], "empty": {}}`,
		`{"id": "b", "images": [], "conversations": [], "half": 0.5, "deep": null, "z": -9223372036854775808}`,
		`{"later": {"x": [{"y": "1"}, null, {"z": false}]}, "images": null, "none": [[]], "half": NaN, "empty": {"a": {}}}`,
	}
	file, err := write(t, records, []int{2, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := write(t, records, []int{2, 0, 1})
	if !bytes.Equal(file, again) {
		t.Error("the second time it is another file")
	}
	want := []any{
		held(t, []byte(`{"z": 1, "id": "a", "images": [{"embedded": 0}, {"path": "a1.png", "embedded": 1}],
		  "conversations": [{"from": "human", "value": "Ä\n"}, {"from": "gpt"}],
		  "deep": {"n": {"list": [[1, 2], [], [null, 3]]}, "f": true}, "half": 1, "none": []}`)),
		held(t, []byte(`{"id": "b", "conversations": [], "half": 0.5, "images": [], "z": -9223372036854775808}`)),
		held(t, []byte(`{"later": {"x": [{"y": "1"}, null, {"z": false}]}, "images": [{"embedded": 0}], "none": [[]]}`)),
	}
	if diff := cmp.Diff(want, read(t, file)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	features, _ := opened.Lookup("huggingface")
	for _, want := range []string{
		`{"info": {"features": {"z": {"dtype": "int64", "_type": "Value"}, "id": `, `"images": [{"_type": "Image"}], "con`,
		`"conversations": [{"from": {"dtype": "string", "_type": "Value"}, "value": {`, `"half": {"dtype": "float64"`,
	} {
		if !strings.Contains(features, want) || !json.Valid([]byte(features)) {
			t.Errorf("features %s, want %s", features, want)
		}
	}
}

// TestRefusals checks that the error names the field that no column can store.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ records, want string }{
		{`{"id": 1}` + "\n" + `{"id": "a"}`, "id: it is text here, but a number in an earlier record; a " +
			"column has one type"},
		{`{"a": [{"b": 1}, {"b": [2]}]}`, "a[1].b: it is a list here, but a number in an earlier record"},
		{`{"a": 9223372036854775808}`, "a: the number 9223372036854775808 has more than 64 bits"},
		{`{"a": 1e999}`, "a: the number 1e999 has more than 64 bits"},
		{`{"a": 0.5}` + "\n" + `{"a": 9007199254740993}`, "a: one number has a fraction"},
		{`{"a": {"b": 1, "b": 2}}`, "a.b: the record has two fields of this name"},
		{`{"a": ` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, "nested in more than 40 lists and objects"},
	} {
		records := strings.Split(tc.records, "\n")
		_, err := write(t, records, make([]int, len(records)))
		if fault, ok := errors.AsType[*table.FieldError](err); !ok || !strings.Contains(fault.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.records, err, tc.want)
		}
	}
	many := map[string]int{}
	for i := range 2001 {
		many[fmt.Sprint(i)] = i
	}
	raw, _ := json.Marshal(many)
	if err := table.NewColumns("images").Add(raw); err == nil || !strings.Contains(err.Error(), "more than 2000") {
		t.Errorf("2001 fields: %v", err)
	}
}

// FuzzTable writes lines of JSON objects to a file. The file must have the same objects.
func FuzzTable(f *testing.F) {
	f.Add(`{"id": "a", "images": [1], "n": [[1.5, 2], null]}` + "\n" + `{"x": {"y": {"": true}}}`)
	f.Add(`{"a": []}` + "\n" + `{"a": [{}, {"b": "\ud800"}]}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, lines string) {
		var records []string
		var images []int
		for line := range strings.Lines(lines) {
			line = strings.TrimSpace(line)
			raw := []byte(line)
			if line == "" || !utf8.Valid(raw) || !json.Valid(raw) || jsontext.TypeOf(raw) != jsontext.Object {
				return
			}
			records, images = append(records, line), append(images, len(line)%3)
		}
		file, err := write(t, records, images)
		if err != nil || len(records) == 0 {
			return
		}
		for i, got := range read(t, file) {
			want, _ := held(t, []byte(records[i])).(map[string]any)
			shown, _ := got.(map[string]any)
			delete(want, "images")
			delete(shown, "images")
			if diff := cmp.Diff(withoutEmpty(want), withoutEmpty(shown)); diff != "" {
				t.Errorf("record %d of %q (-want +got):\n%s", i, records, diff)
			}
		}
	})
}

// withoutEmpty returns a value without the empty objects in its lists.
func withoutEmpty(value map[string]any) any { return withoutNull(any(value)) }
