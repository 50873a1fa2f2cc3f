package hfparquet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A memory is a source in memory that counts the bytes read.
type memory struct {
	data     []byte
	requests int
	read     int64
	fail     error // error of the next request
}

func (m *memory) Size(context.Context) (int64, error) { return int64(len(m.data)), nil }

func (m *memory) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	m.requests++
	offset = min(offset, int64(len(m.data)))
	length = min(length, int64(len(m.data))-offset)
	m.read += length
	return io.NopCloser(bytes.NewReader(m.data[offset : offset+length])), nil
}

func fixture(tb testing.TB, name string) *memory {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
	if err != nil {
		tb.Fatal(err)
	}
	return &memory{data: data}
}

// A rowNote is a row, as make.py recorded it or as it was read.
type rowNote struct {
	Record any      `json:"record"`
	Values []string `json:"values"`
}

func notesOf(tb testing.TB, name string) []rowNote {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var rows []rowNote
	if err := json.Unmarshal(data, &rows); err != nil {
		tb.Fatal(err)
	}
	return rows
}

var testLimits = dataset.Limits{MaxRecordBytes: 1 << 20}

func scan(tb testing.TB, m *memory, rangeBytes int64) dataset.Layout {
	tb.Helper()
	s, err := reader{}.Scan(tb.Context(), m, dataset.Scan{}, rangeBytes, 1)
	if err != nil || !s.Done {
		tb.Fatalf("scanning: %v, done %v", err, s.Done)
	}
	return s.Layout
}

// recordsOf returns all records of a file, read by its ranges.
func recordsOf(tb testing.TB, m *memory, rangeBytes int64) []dataset.Record {
	tb.Helper()
	var records []dataset.Record
	for _, span := range scan(tb, m, rangeBytes).Ranges {
		if span.FirstElement != int64(len(records))+1 {
			tb.Errorf("a range begins at %d after %d records", span.FirstElement, len(records))
		}
		for record, err := range (reader{}).Records(tb.Context(), m, span, "a.parquet", testLimits) {
			if err != nil {
				tb.Fatal(err)
			}
			record.Raw = bytes.Clone(record.Raw)
			records = append(records, record)
		}
	}
	return records
}

// rowsOf returns all rows of a file with the hashes of their values.
func rowsOf(tb testing.TB, m *memory, rangeBytes int64) []rowNote {
	tb.Helper()
	rows := []rowNote{}
	values := reader{}.Values(m)
	for _, record := range recordsOf(tb, m, rangeBytes) {
		if record.Fault != nil {
			tb.Fatalf("%s: %s", record.Place, record.Fault.Reason())
		}
		row := rowNote{Values: []string{}}
		if err := json.Unmarshal(record.Raw, &row.Record); err != nil {
			tb.Fatalf("%s: %v in %s", record.Place, err, record.Raw)
		}
		for number := range bytes.Count(record.Raw, []byte(`"embedded":`)) {
			data, fault, err := values.Read(tb.Context(), record, number)
			if err != nil || fault != nil {
				tb.Fatalf("%s, value %d: %v, %v", record.Place, number, err, fault)
			}
			size, _, err := values.Size(tb.Context(), record, number)
			if err != nil || size != int64(len(data)) {
				tb.Errorf("%s, value %d has %d bytes by its size, and %d", record.Place, number, size, len(data))
			}
			sum := sha256.Sum256(data)
			row.Values = append(row.Values, hex.EncodeToString(sum[:]))
		}
		rows = append(rows, row)
	}
	return rows
}

// fixtures returns the names of the files that can be read.
func fixtures(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no fixtures: %v", err)
	}
	for i, path := range paths {
		paths[i] = path[len("testdata/") : len(path)-len(".json")]
	}
	return paths
}

// TestRows compares the JSON and the binary values of rows with what pyarrow reads, in ranges of all sizes.
func TestRows(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		for _, rangeBytes := range []int64{1, 2000, 1 << 40} {
			t.Run(fmt.Sprint(name, rangeBytes), func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(notesOf(t, name), rowsOf(t, fixture(t, name), rangeBytes)); diff != "" {
					t.Errorf("rows (-pyarrow +ours):\n%s", diff)
				}
			})
		}
	}
}

// TestValuesInAnyOrder reads values of rows backwards, and with gaps.
func TestValuesInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"item", "brotli", "paths", "cauldron", "split"} {
		m, want := fixture(t, name), notesOf(t, name)
		records := recordsOf(t, m, 1<<40)
		for _, step := range []int{-1, 3, -2} {
			order := slices.Clone(records)
			if step < 0 {
				slices.Reverse(order)
			}
			values := reader{}.Values(m)
			for i := 0; i < len(order); i += max(step, -step) {
				row := order[i].Place.Element - 1
				for number, hash := range want[row].Values {
					data, fault, err := values.Read(t.Context(), order[i], number)
					if sum := sha256.Sum256(data); err != nil || fault != nil || hex.EncodeToString(sum[:]) != hash {
						t.Errorf("%s: row %d, value %d: %v, %v, %x", name, row, number, err, fault, sum)
					}
				}
			}
			if err := values.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSourceFails uses a source that fails after the footer: the error is the source's, not a fault of the file.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	m := fixture(t, "llava")
	span := scan(t, m, 1<<40).Ranges[0]
	gone := errors.New("it is gone")
	values := reader{}.Values(m)
	record := recordsOf(t, m, 1<<40)[0]
	m.fail = gone
	for _, err := range (reader{}).Records(t.Context(), m, span, "a.parquet", testLimits) {
		if !errors.Is(err, gone) {
			t.Errorf("records: %v", err)
		}
	}
	if _, fault, err := values.Read(t.Context(), record, 0); fault != nil || !errors.Is(err, gone) {
		t.Errorf("a value: %v, %v", fault, err)
	}
	m.fail = nil
	if data, fault, err := values.Read(t.Context(), record, 0); len(data) == 0 || fault != nil || err != nil {
		t.Errorf("the value, once the source is there: %v, %v", fault, err)
	}
}

// TestValuesTogether reads the values of neighbouring rows concurrently, as the loader of samples does. Few pages are
// read twice.
func TestValuesTogether(t *testing.T) {
	t.Parallel()
	rows := pictures(400, 20_000)
	m := writePictures(t, rows, 200, parquet.PageBufferSize(500_000))
	records := recordsOf(t, m, 1<<40)
	var group errgroup.Group
	group.SetLimit(8)
	values := reader{}.Values(m)
	m.requests, m.read = 0, 0
	for i, record := range records {
		if rows[i].Image == nil {
			continue
		}
		group.Go(func() error {
			size, fault, err := values.Size(t.Context(), record, 0)
			if err != nil || fault != nil || size != int64(len(rows[i].Image.Bytes)) {
				t.Errorf("the size of row %d is %d: %v, %v", i, size, fault, err)
			}
			runtime.Gosched()
			data, fault, err := values.Read(t.Context(), record, 0)
			if err != nil || fault != nil || !bytes.Equal(data, rows[i].Image.Bytes) {
				t.Errorf("the image of row %d: %v, %v", i, fault, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if m.read > int64(len(m.data))*2 || m.requests > 25 {
		t.Errorf("%d bytes read in %d requests, of a file of %d", m.read, m.requests, len(m.data))
	}
}

// TestReadsNoImages checks that reading the records of a file reads only a hundredth of its bytes, with a few requests.
func TestReadsNoImages(t *testing.T) {
	t.Parallel()
	m := writePictures(t, pictures(400, 20_000), 200, parquet.SkipPageBounds("image", "bytes"))
	span := scan(t, m, 1<<40).Ranges[0]
	m.requests, m.read = 0, 0
	for _, err := range (reader{}).Records(t.Context(), m, span, "a.parquet", testLimits) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if m.read > int64(len(m.data))/50 || m.requests > 1+2*5 {
		t.Errorf("%d bytes read in %d requests, of a file of %d", m.read, m.requests, len(m.data))
	}
}
