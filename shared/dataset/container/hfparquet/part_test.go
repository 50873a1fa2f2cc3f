package hfparquet

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// subsetOf writes the rows of a file for which chosen returns true, in parts of its ranges.
func subsetOf(tb testing.TB, m *memory, rangeBytes int64, chosen func(element int64) bool) []byte {
	tb.Helper()
	var out, notes bytes.Buffer
	for i, span := range scan(tb, m, rangeBytes).Ranges {
		var records []dataset.Record
		for element := span.FirstElement; element < span.FirstElement+span.Records; element++ {
			if chosen(element) {
				records = append(records, dataset.Record{Place: dataset.Place{Manifest: "a.parquet", Element: element}})
			}
		}
		writePart(tb, m, &out, &notes, records, dataset.Part{First: i == 0})
	}
	if err := (writer{}).End(&out, &notes); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func writePart(tb testing.TB, m *memory, out, notes io.Writer, records []dataset.Record, part dataset.Part) {
	tb.Helper()
	note, err := writer{}.Part(tb.Context(), out, m, records, part)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := notes.Write(note); err != nil {
		tb.Fatal(err)
	}
}

func openBoth(tb testing.TB, data []byte) (*file, *parquet.File) {
	tb.Helper()
	ours, err := openAt(&readerAt{tb.Context(), &memory{data: data}})
	if err != nil {
		tb.Fatal(err)
	}
	theirs, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return ours, theirs
}

// TestSubset writes subsets in one part and in several parts, with no row, some rows and all rows. They must have the
// chosen rows and values, and the schema and metadata of the source. A rerun must give the same bytes.
func TestSubset(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		if name == "empty" {
			continue
		}
		for choice, chosen := range map[string]func(int64) bool{
			"all":   func(int64) bool { return true },
			"none":  func(int64) bool { return false },
			"third": func(element int64) bool { return element%3 == 2 },
		} {
			t.Run(name+"/"+choice, func(t *testing.T) {
				t.Parallel()
				m := fixture(t, name)
				want := []rowNote{}
				for i, row := range notesOf(t, name) {
					if chosen(int64(i) + 1) {
						want = append(want, row)
					}
				}
				for _, rangeBytes := range []int64{1, 1 << 40} {
					data := subsetOf(t, m, rangeBytes, chosen)
					if again := subsetOf(t, m, rangeBytes, chosen); !bytes.Equal(data, again) {
						t.Errorf("a rerun has other bytes")
					}
					if diff := cmp.Diff(want, rowsOf(t, &memory{data: data}, 1<<40)); diff != "" {
						t.Errorf("rows (-chosen +subset):\n%s", diff)
					}
					checkMeta(t, m.data, data, len(want))
				}
			})
		}
	}
}

// checkMeta compares the footers of a source and of its subset, and lets parquet-go read all pages of the subset.
func checkMeta(t *testing.T, source, subset []byte, rows int) {
	t.Helper()
	from, _ := openBoth(t, source)
	to, file := openBoth(t, subset)
	if diff := cmp.Diff(from.meta.Schema, to.meta.Schema); diff != "" {
		t.Errorf("schema (-source +subset):\n%s", diff)
	}
	if diff := cmp.Diff(append([]format.KeyValue{}, from.meta.KeyValueMetadata...),
		append([]format.KeyValue{}, to.meta.KeyValueMetadata...)); diff != "" {
		t.Errorf("metadata (-source +subset):\n%s", diff)
	}
	if len(to.groups) > 0 {
		for i := range from.columns {
			if a, b := from.groups[0].chunks[i].Codec, to.groups[0].chunks[i].Codec; a != b {
				t.Errorf("column %s has the codec %s, and the source %s", from.columns[i].Path, b, a)
			}
		}
	}
	read := 0
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 3)
		for {
			n, err := rows.ReadRows(buffer)
			read += n
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("parquet-go: %v", err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		for _, c := range group.ColumnChunks() {
			if _, err := c.ColumnIndex(); err != nil {
				t.Errorf("a column index: %v", err)
			}
			if index, err := c.OffsetIndex(); err != nil || index.NumPages() == 0 {
				t.Errorf("an offset index: %v", err)
			}
		}
	}
	if read != rows {
		t.Errorf("parquet-go reads %d rows, want %d", read, rows)
	}
}

// A picture is a row of a generated file.
type picture struct {
	ID    string `parquet:"id"`
	Image *struct {
		Bytes []byte  `parquet:"bytes,optional"`
		Path  *string `parquet:"path,optional"`
	} `parquet:"image,optional"`
	Conversations []struct {
		From  string `parquet:"from"`
		Value string `parquet:"value"`
	} `parquet:"conversations,list"`
}

// pictures returns rows with images of this size, whose first bytes are random; each seventh row has no image.
func pictures(n, size int) []picture {
	random := rand.New(rand.NewPCG(1, 2))
	rows := make([]picture, n)
	for i := range rows {
		rows[i].ID = fmt.Sprint("p", i)
		rows[i].Conversations = append(rows[i].Conversations, struct {
			From  string `parquet:"from"`
			Value string `parquet:"value"`
		}{"human", fmt.Sprint("<image> What is ", i, "?")})
		if i%7 == 3 {
			continue
		}
		rows[i].Image = new(struct {
			Bytes []byte  `parquet:"bytes,optional"`
			Path  *string `parquet:"path,optional"`
		})
		rows[i].Image.Bytes = make([]byte, size)
		for b := range min(size, 4096) {
			rows[i].Image.Bytes[b] = byte(random.Uint32())
		}
	}
	return rows
}

// writePictures writes rows with parquet-go.
func writePictures(tb testing.TB, rows []picture, group int, options ...parquet.WriterOption) *memory {
	tb.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[picture](&out, options...)
	for part := range slices.Chunk(rows, group) {
		if _, err := w.Write(part); err != nil {
			tb.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return &memory{data: out.Bytes()}
}

// TestFilesOfParquetGo reads files of another writer, with each codec and kind of page. It also reads subsets of these
// files with parquet-go. The rows must be equal.
func TestFilesOfParquetGo(t *testing.T) {
	t.Parallel()
	rows := pictures(40, 300)
	third := []picture{}
	for i, row := range rows {
		if i%3 == 1 {
			third = append(third, row)
		}
	}
	for name, options := range map[string][]parquet.WriterOption{
		"zstd v2":     {parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(1000)},
		"snappy v1":   {parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1), parquet.PageBufferSize(1000)},
		"gzip v1":     {parquet.Compression(&parquet.Gzip), parquet.DataPageVersion(1)},
		"brotli v2":   {parquet.Compression(&parquet.Brotli)},
		"none":        {parquet.PageBufferSize(700)},
		"dictionary":  {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.RLEDictionary), parquet.DataPageVersion(1)},
		"delta":       {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaByteArray)},
		"delta texts": {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := writePictures(t, rows, 13, options...)
			values := reader{}.Values(m)
			for i, record := range recordsOf(t, m, 2000) {
				if record.Fault != nil {
					t.Fatalf("row %d: %s", i, record.Fault.Reason())
				}
				if rows[i].Image == nil {
					continue
				}
				data, fault, err := values.Read(t.Context(), record, 0)
				if err != nil || fault != nil || !bytes.Equal(data, rows[i].Image.Bytes) {
					t.Errorf("the image of row %d: %v, %v", i, fault, err)
				}
			}
			subset := subsetOf(t, m, 2000, func(element int64) bool { return element%3 == 2 })
			got, err := parquet.Read[picture](bytes.NewReader(subset), int64(len(subset)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(third, got); diff != "" {
				t.Errorf("rows (-chosen +subset):\n%s", diff)
			}
		})
	}
}
