package scores

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// A file is an open file of scores with the expected schema.
type file struct {
	*parquet.File
	capabilities []string
	rows         int
}

// open opens a file of scores, and makes all checks that are possible before pages are decoded.
func open(r io.ReaderAt, size int64, options ...parquet.FileOption) (*file, error) {
	opened, err := openParquet(r, size, options...)
	if err != nil {
		return nil, err
	}
	f := &file{File: opened, rows: int(opened.NumRows())}
	names, ok := opened.Lookup(capabilitiesKey)
	if !ok {
		return nil, fmt.Errorf("not a file of scores: its metadata lacks %s", capabilitiesKey)
	}
	if err := json.Unmarshal([]byte(names), &f.capabilities); err != nil {
		return nil, fmt.Errorf("metadata %s: %w", capabilitiesKey, err)
	}
	schema, err := schemaOf(f.capabilities)
	if err != nil {
		return nil, fmt.Errorf("metadata %s: %w", capabilitiesKey, err)
	}
	return f, checkSchema(opened, schema)
}

// openParquet opens a file of this package, scores or picks. options override the default options.
func openParquet(r io.ReaderAt, size int64, options ...parquet.FileOption) (*parquet.File, error) {
	if err := CheckFooter(r, size); err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(r, size, append([]parquet.FileOption{
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64 << 10),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	if v, ok := f.Lookup(versionKey); !ok {
		return nil, fmt.Errorf("not written by Harvest: its metadata lacks %s", versionKey)
	} else if v != version {
		return nil, fmt.Errorf("layout version %q: this version of Harvest reads layout version %s", v, version)
	}
	// A damaged footer may state any number of rows, and memory for the rows is allocated before they are read.
	rows := int64(0)
	for i, group := range f.RowGroups() {
		n := group.NumRows()
		if n < 0 || n > rowGroupRows {
			return nil, fmt.Errorf("row group %d states %d rows; the most is %d", i, n, rowGroupRows)
		}
		rows += n
	}
	if f.NumRows() != rows {
		return nil, fmt.Errorf("the footer states %d rows, but its row groups have %d", f.NumRows(), rows)
	}
	return f, nil
}

// CheckFooter checks a Parquet file's footer before parquet-go reads it. For a damaged footer, parquet-go may allocate
// any amount of memory for the footer and its lists, and the process would end. CheckFooter stores nothing, and ends at
// the real end of the bytes.
func CheckFooter(r io.ReaderAt, size int64) error {
	const head, tail = 4, 8 // magic; length of the footer and magic
	if size < head+tail {
		return fmt.Errorf("%d bytes are not a Parquet file, or a file cut short", size)
	}
	var end [tail]byte
	if _, err := r.ReadAt(end[:], size-tail); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading its end: %w", err)
	}
	if string(end[4:]) != "PAR1" {
		return errors.New("not a Parquet file, or a file cut short: it does not end in PAR1")
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-head-tail {
		return fmt.Errorf("a footer of %d bytes in a file of %d bytes: the file is cut short or damaged", length, size)
	}
	footer := make([]byte, length)
	if _, err := r.ReadAt(footer, size-tail-length); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading its footer: %w", err)
	}
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, footer, &struct{}{}); err != nil {
		return fmt.Errorf("damaged footer: %w", err)
	}
	return nil
}

// checkSchema returns an error that names the first column in which a file differs from the expected schema.
func checkSchema(f *parquet.File, want *parquet.Schema) error {
	have := f.Schema()
	if parquet.EqualNodes(have, want) {
		return nil
	}
	fields := have.Fields()
	for i, w := range want.Fields() {
		if i == len(fields) {
			return fmt.Errorf("column %d is missing; expected %s", i+1, w.Name())
		}
		if h := fields[i]; h.Name() != w.Name() || !parquet.EqualNodes(h, w) {
			return fmt.Errorf("column %d is %s; expected %s", i+1, describe(h), describe(w))
		}
	}
	return fmt.Errorf("%d columns; expected %d", len(fields), len(want.Fields()))
}

func describe(f parquet.Field) string {
	var b strings.Builder
	parquet.PrintSchemaIndent(&b, "", f, "", " ") // writing to a strings.Builder cannot fail
	return f.Name() + " " + strings.TrimSuffix(b.String(), ";")
}

// recoverBad adds the current step to *err, and converts a panic into an error. Some decoders of parquet-go panic if a
// file is damaged. A damaged file must not end the process.
func recoverBad(doing string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("damaged file: %v", r)
	}
	if *err != nil {
		*err = fmt.Errorf("%s: %w", doing, *err)
	}
}
