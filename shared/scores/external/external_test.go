package external_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/parquet-go/parquet-go"
)

// parquetFile returns a file with ids, numbers and other columns.
func parquetFile(t testing.TB) []byte {
	t.Helper()
	type row struct {
		ID    string   `parquet:"id"`
		Score *float64 `parquet:"score,optional"`
		Count int32    `parquet:"count"`
		Name  string   `parquet:"name"`
		List  []int64  `parquet:"list"`
	}
	half := 0.5
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{{"a", &half, 3, "x", []int64{1, 2}}, {"b#2", nil, -4, "y", nil}}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// decimals returns a file with ids and decimals.
func decimals(t testing.TB) []byte {
	t.Helper()
	type row struct {
		ID string `parquet:"id"`
		N  int64  `parquet:"n,decimal(2:9)"`
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{{"a", 150}}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestParse reads the same numbers from each format.
func TestParse(t *testing.T) {
	t.Parallel()
	want := &external.Table{
		IDs: []string{"a", "b#2"}, Names: []string{"count", "score"}, Values: [][]float64{{3, -4}, {0.5, math.NaN()}},
	}
	for name, file := range map[string][]byte{
		"CSV":     []byte("\ufeffid,count,name,score\na,3,x,.5\nb#2,-4,y,\n"),
		"JSONL":   []byte(`{"score": 0.5, "id": "a", "count": 3, "name": "x"}` + "\n\n" + `{"id": "b#2", "count": -4}`),
		"Parquet": parquetFile(t),
	} {
		got, err := external.Parse(file)
		if name == "Parquet" && got != nil && got.Names[0] != "count" { // the order of a Parquet file may differ
			got.Names[0], got.Names[1] = got.Names[1], got.Names[0]
			got.Values[0], got.Values[1] = got.Values[1], got.Values[0]
		}
		passed := cmpopts.IgnoreFields(external.Table{}, "Others")
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), passed); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := external.Parse([]byte(`{"id": 7, "n": 1}`)); err != nil || got.IDs[0] != "7" {
		t.Errorf("a number as id is read as %+v (%v)", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"": "the file is empty", "a,b\n1,2\n": `no column "id"; its columns are "a", "b"`,
		"id,b\n": "no rows", "id,b\nx,1\nx,2\n": `"x" is in two rows, 1 and 2; give one`,
		"id,b\n\"x,1\n": "line 2: a quote has no end",
		`{"n": 1}`:      `line 1: give the field "id"`, "{\"id\": \"a\", \"n\": 1}\n{": "line 2: ",
		"PAR1nonsense":                        "the Parquet file is cut short",
		"id,b\nx,y\n":                         `in addition to the ids: column "b": line 2 has "y", which is not a number`,
		"\n\nid,b\nx,1\n\"y\nz\",1_0\n":       `column "b": line 6 has "1_0", which is not a number`,
		"id,a,b,c,d,e,f,g\nx,y,y,y,y,y,y,y\n": `column "e": line 2 has "y", which is not a number; and 2 more`,
		"id\nx\n":                             "in addition to the ids",
		`{"id": "a", "n": "3", "l": [1]}`:     `line 1 has a list, which is not a number; column "n": line 1 has "3"`,
		"{\"id\": \"a\", \"n\": 1}\n{\"id\": \"b\", \"n\": \"3\"}": `line 2 has "3" as a text, which is not a number`,
		"{\"id\": \"a\", \"n\": 1}\n{\"id\": \"b\", \"n\": true}":  `column "n": line 2 has `,
		string(decimals(t)):                `column "n": it has decimals, which Harvest does not read; write them as doubles`,
		`{"id": "a", "n": 1e999}`:          `line 1: the field "n": the number 1e999 is too large`,
		"id,n, n \nx,1,2\n":                `two columns are named "n"`,
		"id,n,id\nx,1,y\n":                 `two columns are named "id"`,
		"id,t,n,t\nx,a,1,b\n":              `two columns are named "t"`,
		`{"id": "a", "n": 1, "\u006e": 2}`: `line 1: the field "n" is given twice`,
		string(twoOfOneName(t)):            `two columns are named "one"`,
		"[{\"id\": \"a\"}]":                "the file is a JSON array; write JSON lines, one object on each line",
		"\n [\n{\"id\": \"a\"}\n]":         "python3 -c \"import json, sys; ",
		"{\n\"id\": \"a\",\n\"n\": 1\n}":   "line 1: the line ends within an object; write each object on one line",
		"\x89PNG\r\n\x1a\n\x00":            "the file is an image; give Parquet, CSV in UTF-8, or JSON lines",
		"\xff\xfei\x00d\x00,\x00n\x00":     "the file is text in UTF-16; give",
		"id;n\nx;1,5\n":                    "the columns are separated by semicolons; separate them by commas",
		"n\t\"id\"\r\n1\tx\r\n":            "the columns are separated by tabs",
	} {
		_, err := external.Parse([]byte(content))
		if _, fault := errors.AsType[*external.Error](err); !fault || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
}

// TestParseCut says that a file is cut short, in each format.
func TestParseCut(t *testing.T) {
	t.Parallel()
	whole := parquetFile(t)
	for name, file := range map[string][]byte{
		"Parquet":             whole[:len(whole)/2],
		"Parquet footer":      append(bytes.Clone(whole[:len(whole)/2]), whole[len(whole)-8:]...),
		"Parquet head":        whole[:5],
		"JSON lines":          []byte("{\"id\": \"a\", \"n\": 1}\n{\"id\": \"b\", \"n\""),
		"JSON lines, in text": []byte("{\"id\": \"a\", \"n\": 1}\n{\"id\": \"b"),
		"one JSON line":       []byte(`{"id": "a", "n": 1`),
		"CSV":                 []byte("id,n,m\na,1,2\nb,1"),
		"CSV in quotes":       []byte("id,n,m\na,1,2\n\"b,1,2"),
		"CSV after a comma":   []byte("id,n,m\na,1,2\nb,1,"),
	} {
		_, err := external.Parse(file)
		if _, fault := errors.AsType[*external.Error](err); !fault || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%s: %v, want cut short", name, err)
		}
	}
	for content, want := range map[string]string{
		"id,n,m\na,1\nb,1,2\n":     "line 2 has 2 columns, but the header has 3",
		"id,n,m\na,1,2,3\n":        "line 2 has 4 columns, but the header has 3",
		"id,n,m\na,1,2\n\nb,1,2,3": "line 4 has 4 columns, but the header has 3",
	} {
		_, err := external.Parse([]byte(content))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "cut short") {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	if _, err := external.Parse([]byte("id,n,m\na,1,2\nb,1,\n")); err != nil {
		t.Errorf("a complete file with an empty cell at its end: %v", err)
	}
}

// TestUnpack reads compressed files by their content.
func TestUnpack(t *testing.T) {
	t.Parallel()
	const text = "id,n\na,1\n"
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{[]byte(text), packed.Bytes()} {
		if got, err := external.Unpack(content); err != nil || string(got) != text {
			t.Errorf("unpacked %q (%v)", got, err)
		}
	}
	_, err := external.Unpack(packed.Bytes()[:packed.Len()/2])
	if _, fault := errors.AsType[*external.Error](err); !fault || !strings.Contains(err.Error(), "gzip and cut short") {
		t.Errorf("cut: %v", err)
	}
}

// twoOfOneName returns a Parquet file with two columns of the same name. Other programs write such files.
func twoOfOneName(t *testing.T) []byte {
	t.Helper()
	type row struct {
		ID    string  `parquet:"id"`
		First float64 `parquet:"one"`
		Other float64 `parquet:"two"`
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{{"a", 1, 2}}); err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(file.Bytes(), []byte("two"), []byte("one"))
}

// Columns without names are skipped. NaN and inf are read as missing numbers.
func TestParsePassesOver(t *testing.T) {
	t.Parallel()
	got, err := external.Parse([]byte(",id,n,,level\n0,x,NaN,a,inf\n1,y,2,b,high\n"))
	want := &external.Table{
		IDs: []string{"x", "y"}, Names: []string{"n"}, Values: [][]float64{{math.NaN(), 2}},
		Others: map[string]string{"level": `line 3 has "high", which is not a number`},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzParse checks that Parse reads any file without a panic, and that its result has a number for each row and column.
func FuzzParse(f *testing.F) {
	for _, seed := range [][]byte{
		parquetFile(f), []byte("id,n\na,1\n"), []byte(`{"id": "a", "n": 1}`), []byte("PAR1"), []byte("id"), []byte("{}"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := external.Parse(data)
		if err != nil {
			return
		}
		if len(table.Values) != len(table.Names) || len(table.IDs) == 0 {
			t.Fatalf("%+v", table)
		}
		for _, column := range table.Values {
			if len(column) != len(table.IDs) {
				t.Fatalf("%+v", table)
			}
		}
	})
}
