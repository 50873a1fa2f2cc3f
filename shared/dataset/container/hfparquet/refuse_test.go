package hfparquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// withFooter returns a file with a changed footer.
func withFooter(tb testing.TB, data []byte, change func(*format.FileMetaData)) []byte {
	tb.Helper()
	end := len(data) - tailBytes
	start := end - int(binary.LittleEndian.Uint32(data[end:]))
	var meta format.FileMetaData
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, data[start:end], &meta); err != nil {
		tb.Fatal(err)
	}
	change(&meta)
	footer, err := thrift.Marshal(&thrift.CompactProtocol{}, &meta)
	if err != nil {
		tb.Fatal(err)
	}
	out := append(bytes.Clone(data[:start]), footer...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(footer))), magic...)
}

// TestRefuses checks files that cannot be read. The error has the reason and the fix.
func TestRefuses(t *testing.T) {
	t.Parallel()
	llava, lz4 := fixture(t, "llava").data, fixture(t, "lz4").data
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"lz4":       {lz4, "column id is compressed with LZ4_RAW, which Harvest does not read; write the file again"},
		"short":     {llava[:11], "a file of 11 bytes is not a Parquet file"},
		"cut":       {llava[:len(llava)-3], "does not end in PAR1; it may be cut short: download or write it again"},
		"encrypted": {append(bytes.Clone(llava[:len(llava)-4]), encryptedMagic...), "the Parquet file is encrypted"},
		"footer": {
			append(append(bytes.Clone(llava[:len(llava)-8]), 0xff, 0xff, 0xff, 0), magic...),
			"has a footer of 16777215 bytes in",
		},
		"damaged footer": {
			append(append(bytes.Clone(llava[:len(llava)-8]), 40, 0, 0, 0), magic...),
			"the footer of the Parquet file is damaged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, test.data, test.want)
		})
	}
}

// checkRefused checks that a file is refused when it is planned, and the message.
func checkRefused(t *testing.T, data []byte, want string) {
	t.Helper()
	_, err := reader{}.Scan(t.Context(), &memory{data: data}, dataset.Scan{}, 1<<40, 1)
	var refused *dataset.FormatError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestRefusesFooters checks footers with impossible values.
func TestRefusesFooters(t *testing.T) {
	t.Parallel()
	llava := fixture(t, "llava").data
	image := func(change func(*format.ColumnChunk)) func(*format.FileMetaData) {
		return func(meta *format.FileMetaData) { change(&meta.RowGroups[0].Columns[1]) }
	}
	for name, test := range map[string]struct {
		change func(*format.FileMetaData)
		want   string
	}{
		"column key": {
			image(func(c *format.ColumnChunk) { c.CryptoMetadata.Value = &format.EncryptionWithFooterKey{} }), "is encrypted",
		},
		"another file": {
			image(func(c *format.ColumnChunk) { c.FilePath = "b.parquet" }),
			`column image.bytes is in another file, "b.parquet"`,
		},
		"type": {
			image(func(c *format.ColumnChunk) { c.MetaData.Type = format.Int32 }),
			"column image.bytes has type INT32, but type BYTE_ARRAY in the schema",
		},
		"offset": {
			image(func(c *format.ColumnChunk) { c.MetaData.DataPageOffset = 1 << 40 }), "column image.bytes has 6 values in",
		},
		"rows": {
			func(meta *format.FileMetaData) { meta.NumRows = 7 },
			"has 6 rows in its row groups, but 7 in its footer",
		},
		"promises": {
			func(meta *format.FileMetaData) {
				meta.NumRows, meta.RowGroups[0].NumRows = 1<<40, 1<<40
				for i := range meta.RowGroups[0].Columns {
					meta.RowGroups[0].Columns[i].MetaData.NumValues = 1 << 40
				}
			},
			"row group 0 of the Parquet file has 1099511627776 rows in",
		},
		"columns": {
			func(meta *format.FileMetaData) {
				meta.RowGroups[0].Columns = meta.RowGroups[0].Columns[1:]
			},
			"row group 0 of the Parquet file has 6 rows of 5 columns, but its schema has 6",
		},
		"schema": {
			func(meta *format.FileMetaData) { meta.Schema[0].NumChildren = thrift.New(int32(900)) },
			"its schema ends inside of group",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, withFooter(t, llava, test.change), test.want)
		})
	}
}

// TestLargePages plans a file whose images are in one page. The file is refused, with or without an offset index, but
// its texts can be read.
func TestLargePages(t *testing.T) {
	t.Parallel()
	rows := pictures(2, maxPageBytes/2+1000)
	indexed := writePictures(t, rows, 2, parquet.PageBufferSize(1<<30), parquet.SkipPageBounds("image", "bytes"),
		parquet.DataPageStatistics(false))
	plain := withFooter(t, indexed.data, func(meta *format.FileMetaData) {
		for i := range meta.RowGroups[0].Columns {
			meta.RowGroups[0].Columns[i].OffsetIndexOffset = 0
		}
	})
	for _, m := range []*memory{indexed, {data: plain}} {
		_, err := reader{}.Scan(t.Context(), m, dataset.Scan{}, 1<<40, 1)
		if err == nil || !strings.Contains(err.Error(), "column image.bytes has a page of 671") ||
			!strings.Contains(err.Error(), "write the file again with smaller pages: python3 -c") {
			t.Errorf("%v", err)
		}
		f, err := openAt(&readerAt{t.Context(), m})
		if err != nil {
			t.Fatal(err)
		}
		record := dataset.Record{Place: dataset.Place{Element: 1}}
		if spans := f.spans(1 << 40); len(spans) != 1 {
			t.Errorf("%d ranges", len(spans))
		}
		_, fault, err := reader{}.Values(m).Read(t.Context(), record, 0)
		if err != nil || fault == nil || !strings.Contains(fault.Reason(), "smaller pages") {
			t.Errorf("a value: %v, %v", fault, err)
		}
	}
}

// TestDamage changes bytes of a file. Only the damaged rows fail: each row has a record or a fault, and there is no
// error of the source.
func TestDamage(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"item", "brotli", "encodings", "types", "nostats"} {
		whole := fixture(t, name).data
		for range 60 {
			data := bytes.Clone(whole)
			for range 1 + random.IntN(3) {
				data[4+random.IntN(len(data)-8)] ^= 1 << random.IntN(8)
			}
			readAll(t, data)
		}
	}
	m := fixture(t, "item")
	place := int(open1(t, m).groups[0].chunks[0].Start) + 40
	m.data[place] ^= 0xff
	records := recordsOf(t, m, 1<<40)
	group := open1(t, m).groups[0].rows
	for i, record := range records {
		if broken := int64(i) < group; broken != (record.Fault != nil) ||
			broken && record.Fault.Code != dataset.RecordBroken {
			t.Errorf("row %d: %v", i, record.Fault)
		}
	}
	if !slices.ContainsFunc(records, func(r dataset.Record) bool { return r.Raw != nil }) {
		t.Error("the other row groups are lost")
	}
}

func open1(tb testing.TB, m *memory) *file {
	tb.Helper()
	f, err := openAt(&readerAt{tb.Context(), m})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// readAll reads everything readable of a file, which may be damaged.
func readAll(tb testing.TB, data []byte) {
	tb.Helper()
	m := &memory{data: data}
	s, err := reader{}.Scan(tb.Context(), m, dataset.Scan{}, 3000, 1)
	var refused *dataset.FormatError
	if err != nil && !errors.As(err, &refused) {
		tb.Errorf("scanning: %v", err)
	}
	if err != nil {
		return
	}
	values := reader{}.Values(m)
	total, rows := s.Records, int64(0)
	for _, span := range s.Ranges {
		for record, err := range (reader{}).Records(tb.Context(), m, span, "a.parquet", testLimits) {
			if err != nil {
				tb.Fatalf("row %d: %v", rows, err)
			}
			if rows++; rows > 1000 {
				return // a damaged footer may state any number of rows
			}
			if (record.Raw == nil) == (record.Fault == nil) {
				tb.Errorf("row %d has a record of %d bytes and the fault %v", rows, len(record.Raw), record.Fault)
			}
			for number := range 2 {
				if _, _, err := values.Size(tb.Context(), record, number); err != nil {
					tb.Errorf("row %d, value %d: %v", rows, number, err)
				}
			}
		}
	}
	if rows != total {
		tb.Errorf("%d rows of %d", rows, total)
	}
}

// FuzzFile reads arbitrary bytes as a file.
func FuzzFile(f *testing.F) {
	for _, name := range append(fixtures(f), "lz4") {
		f.Add(fixture(f, name).data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, data) })
}
