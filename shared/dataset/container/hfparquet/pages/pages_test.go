package pages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// lists is a row of a generated file: one list of texts.
type lists struct {
	Texts []string `parquet:"texts,list"`
}

// chunkOf writes rows to one row group, and returns the file and its only column.
func chunkOf(t *testing.T, rows []lists, options ...parquet.WriterOption) (*bytes.Reader, Chunk) {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[lists](&out, options...)
	for i := range rows {
		if _, err := w.Write(rows[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(out.Bytes())
	file, err := parquet.OpenFile(in, in.Size())
	if err != nil {
		t.Fatal(err)
	}
	stored := file.Metadata().RowGroups[0].Columns[0]
	locations, err := ReadLocations(in, stored.OffsetIndexOffset, int64(stored.OffsetIndexLength))
	if err != nil {
		t.Fatal(err)
	}
	return in, Chunk{
		Column: &Column{Path: "texts", Type: format.ByteArray, MaxRep: 1, MaxDef: 1}, Codec: stored.MetaData.Codec,
		Start: stored.MetaData.DataPageOffset, Size: stored.MetaData.TotalCompressedSize, Rows: int64(len(rows)),
		Locations: locations,
	}
}

// textsOf returns the texts of a row's entries.
func textsOf(entries []Entry) (texts []string) {
	for _, entry := range entries {
		if entry.Def == 1 {
			texts = append(texts, string(entry.Value))
		}
	}
	return texts
}

// TestCursor seeks to each row and reads from there to the last row, with an offset index and without.
func TestCursor(t *testing.T) {
	t.Parallel()
	rows := make([]lists, 60)
	for i := range rows {
		for k := range i % 5 {
			rows[i].Texts = append(rows[i].Texts, strings.Repeat(fmt.Sprint(i, k), i))
		}
	}
	for version := 1; version <= 2; version++ {
		in, chunk := chunkOf(t, rows, parquet.PageBufferSize(200), parquet.DataPageVersion(version))
		if len(chunk.Locations) < 5 {
			t.Fatalf("%d pages", len(chunk.Locations))
		}
		for _, locations := range [][]format.PageLocation{chunk.Locations, nil} {
			chunk.Locations = locations
			cursor := NewCursor(in, Limits{PageBytes: 1 << 20, RowBytes: 1 << 20})
			for first := range rows {
				if err := errors.Join(cursor.Open(chunk), cursor.SeekToRow(int64(first))); err != nil {
					t.Fatal(err)
				}
				var entries []Entry
				var err error
				for i, row := range rows[first:] {
					if entries, err = cursor.Row(entries[:0]); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(row.Texts, textsOf(entries)); diff != "" {
						t.Errorf("from row %d, row %d (-want +got):\n%s", first, first+i, diff)
					}
				}
				if _, err := cursor.Row(nil); err != io.EOF {
					t.Errorf("after the last row: %v", err)
				}
			}
		}
	}
}

// TestLimits reads a row and a page that are too large. The row after the large row can be read.
func TestLimits(t *testing.T) {
	t.Parallel()
	rows := []lists{{[]string{"a"}}, {[]string{"b", strings.Repeat("c", 5000), "d"}}, {[]string{"e", "f"}}}
	in, chunk := chunkOf(t, rows)
	cursor := NewCursor(in, Limits{PageBytes: 1 << 20, RowBytes: 4000})
	if err := cursor.Open(chunk); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		entries, err := cursor.Row(nil)
		var large *RowError
		if i == 1 && (!errors.As(err, &large) || large.Row != 1) {
			t.Errorf("the large row: %v", err)
		}
		if i != 1 && (err != nil || !cmp.Equal(row.Texts, textsOf(entries))) {
			t.Errorf("row %d: %q, %v", i, textsOf(entries), err)
		}
	}
	limits := Limits{PageBytes: 5000, RowBytes: 1 << 20}
	cursor = NewCursor(in, limits)
	if err := cursor.Open(chunk); err != nil {
		t.Fatal(err)
	}
	var large *PageError
	if _, err := cursor.Row(nil); !errors.As(err, &large) || large.Limit != 5000 {
		t.Errorf("a large page: %v", err)
	}
	if err := Probe(in, chunk, limits); !errors.As(err, &large) {
		t.Errorf("probing a large page: %v", err)
	}
	chunk.Locations[0].FirstRowIndex = 2
	if err := cursor.Open(chunk); err == nil || !strings.Contains(err.Error(), "contradicts the footer at page 0") {
		t.Errorf("an offset index that begins with another row: %v", err)
	}
}

// TestEncodings decodes values that parquet-go encoded, at all widths.
func TestEncodings(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for width := 1; width <= 31; width++ {
		for _, n := range []int{0, 1, 7, 8, 9, 500} {
			want := make([]int32, n)
			wide := make([]int64, n)
			for i := range want {
				if want[i] = random.Int32N(1<<(width-1) + 1>>1); i%3 == 0 && i > 0 {
					want[i] = want[i-1]
				}
				wide[i] = int64(want[i])<<32 - int64(random.Uint32())
			}
			checkHybrid(t, width, want)
			checkDelta(t, wide)
		}
	}
}

func checkHybrid(t *testing.T, width int, want []int32) {
	t.Helper()
	packed, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]int32, len(want))
	if err := unpackHybrid(packed, width, len(want), func(i int, v uint32) { got[i] = int32(v) }); err != nil {
		t.Errorf("width %d: %v", width, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("width %d (-want +got):\n%s", width, diff)
	}
	for cut := range min(len(packed), 20) {
		_ = unpackHybrid(packed[:cut], width, len(want), func(int, uint32) {}) // it must end
	}
}

func checkDelta(t *testing.T, want []int64) {
	t.Helper()
	packed, err := new(delta.BinaryPackedEncoding).EncodeInt64(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]int64, len(want))
	rest, err := unpackDelta(append(packed, "rest"...), len(want), func(i int, v int64) { got[i] = v })
	if diff := cmp.Diff(want, got); diff != "" || err != nil || string(rest) != "rest" {
		t.Errorf("%v, rest %q (-want +got):\n%s", err, rest, diff)
	}
}

// TestDecompress decompresses pages of each codec. A page with more or fewer bytes than its header states is refused.
func TestDecompress(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte("harvest "), 1000)
	for codec, compress := range map[format.CompressionCodec]func(dst, src []byte) ([]byte, error){
		format.Snappy: parquet.Snappy.Encode, format.Gzip: parquet.Gzip.Encode, format.Brotli: parquet.Brotli.Encode,
		format.Zstd: parquet.Zstd.Encode, format.Uncompressed: parquet.Uncompressed.Encode,
	} {
		packed, err := compress(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		var d decompressor
		got := make([]byte, len(plain))
		if err := d.fill(codec, got, packed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %v", codec, err)
		}
		for _, size := range []int{0, len(plain) - 1, len(plain) + 1} {
			if err := d.fill(codec, make([]byte, size), packed); err == nil {
				t.Errorf("%s: %d bytes are decompressed as %d", codec, len(plain), size)
			}
		}
	}
	if err := new(decompressor).fill(format.Lz4Raw, nil, nil); err == nil {
		t.Error("LZ4 is read")
	}
}

// TestTextsAreBounded decodes texts with long common prefixes: a few bytes for each text make a large page.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	const n = 1000
	texts := make([][]byte, n)
	for i := range texts {
		texts[i] = bytes.Repeat([]byte("x"), 100_000)
	}
	data, offsets := bytes.Join(texts, nil), make([]uint32, n+1)
	for i := range offsets {
		offsets[i] = uint32(i * 100_000)
	}
	packed, err := new(delta.ByteArrayEncoding).EncodeByteArray(nil, data, offsets)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unpackTexts(packed, n, true, 1<<20); !errors.Is(err, errTexts) {
		t.Errorf("%d bytes for %d: %v", len(packed), len(data), err)
	}
	plain, err := unpackTexts(packed, n, true, 1<<30)
	if err != nil || len(plain) != n*100_004 || binary.LittleEndian.Uint32(plain[100_004:]) != 100_000 {
		t.Errorf("%d bytes: %v", len(plain), err)
	}
}
