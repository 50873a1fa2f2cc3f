package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// An Image is an image of a record.
type Image struct {
	Bytes []byte
	Path  string // name of the image; may be empty
}

// rowGroupBytes is the size, in bytes, at which a row group is written. The writer keeps one row group in memory.
const rowGroupBytes = 32 << 20

// A Writer writes records as rows. Equal records and images give equal bytes.
type Writer struct {
	columns *Columns
	out     *parquet.GenericWriter[any]
	leaves  []parquet.Row // values of the current row, by leaf
	row     parquet.Row
	held    int // size of the unwritten row group
}

// NewWriter begins a file. Before this call, all records must have been added to the columns. At least one record must
// have a field.
func (c *Columns) NewWriter(w io.Writer) (out *Writer, err error) {
	defer recoverFrom(&err)
	if len(c.root.fields) == 0 {
		return nil, errors.New("writing a Parquet file: no record has a field, and the file would have no column")
	}
	options := []parquet.WriterOption{
		parquet.NewSchema("schema", newGroup(c.root.fields)), parquet.Compression(&parquet.Zstd),
		parquet.WriteBufferSize(0), parquet.DataPageStatistics(false), parquet.CreatedBy("harvest", "1", "table"),
		parquet.KeyValueMetadata("huggingface", c.features()),
	}
	if at, ok := c.root.at[c.images]; ok && c.root.fields[at].kind == images {
		options = append(options, parquet.SkipPageBounds(c.images, "list", "element", imageFields[0]))
	}
	leaves := c.root.number(0)
	return &Writer{
		columns: c, out: parquet.NewGenericWriter[any](w, options...), leaves: make([]parquet.Row, leaves),
	}, nil
}

// recoverFrom converts a panic of parquet-go into an error.
func recoverFrom(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("writing a Parquet file: %v", r)
	}
}

// Write writes a record with its images.
func (w *Writer) Write(record []byte, shown []Image) (err error) {
	defer recoverFrom(&err)
	for i := range w.leaves {
		w.leaves[i] = w.leaves[i][:0]
	}
	members := jsontext.Members(jsontext.Items(record))
	for _, field := range w.columns.root.fields {
		if field.kind == images {
			w.putImages(field, shown)
		} else {
			w.put(field, members.Get(field.name), 0, 0, 0)
		}
	}
	w.row = w.row[:0]
	for _, leaf := range w.leaves {
		w.row = append(w.row, leaf...)
	}
	if _, err := w.out.WriteRows([]parquet.Row{w.row}); err != nil {
		return err
	}
	w.held += len(record)
	for _, image := range shown {
		w.held += len(image.Bytes)
	}
	if w.held < rowGroupBytes {
		return nil
	}
	w.held = 0
	return w.out.Flush()
}

// Close completes the file.
func (w *Writer) Close() (err error) {
	defer recoverFrom(&err)
	return w.out.Close()
}

// put adds a value of a column to the row. repetition and definition are the levels of the value, and depth is the
// number of lists around it.
func (w *Writer) put(c *column, value json.RawMessage, repetition, definition, depth int) {
	none := jsontext.TypeOf(value) == jsontext.None
	switch {
	case none:
		w.nulls(c, repetition, definition)
	case c.kind == list:
		items := jsontext.Items(value)
		if len(items) == 0 {
			w.nulls(c, repetition, definition+1)
		}
		for _, item := range items {
			w.put(c.fields[0], item, repetition, definition+2, depth+1)
			repetition = depth + 1
		}
	case c.kind == object && len(c.fields) > 0:
		members := jsontext.Members(jsontext.Items(value))
		for _, field := range c.fields {
			w.put(field, members.Get(field.name), repetition, definition+1, depth)
		}
	case c.kind == unknown, c.kind == object: // an object without fields
		w.nulls(c, repetition, definition)
	default:
		w.leaf(c.first, scalar(c.kind, value), repetition, definition+1)
	}
}

// scalar converts a JSON value to the value of a leaf.
func scalar(k kind, value json.RawMessage) parquet.Value {
	switch k {
	case boolean:
		return parquet.BooleanValue(value[0] == 't')
	case integer:
		n, _ := strconv.ParseInt(string(value), 10, 64) // Add has checked it
		return parquet.Int64Value(n)
	case number:
		f, _ := strconv.ParseFloat(string(value), 64)
		return parquet.DoubleValue(f)
	default:
		return parquet.ByteArrayValue([]byte(jsontext.Text(value)))
	}
}

// nulls adds a null to each leaf of a column.
func (w *Writer) nulls(c *column, repetition, definition int) {
	for leaf := c.first; leaf < c.first+c.leaves; leaf++ {
		w.leaf(leaf, parquet.NullValue(), repetition, definition)
	}
}

func (w *Writer) leaf(leaf int, value parquet.Value, repetition, definition int) {
	w.leaves[leaf] = append(w.leaves[leaf], value.Level(repetition, definition, leaf))
}

// putImages adds the images of the row.
func (w *Writer) putImages(c *column, shown []Image) {
	if len(shown) == 0 {
		w.nulls(c, 0, 1)
	}
	for i, image := range shown {
		repetition := min(i, 1)
		w.leaf(c.first, parquet.ByteArrayValue(image.Bytes), repetition, 4)
		if image.Path == "" {
			w.leaf(c.first+1, parquet.NullValue(), repetition, 3)
		} else {
			w.leaf(c.first+1, parquet.ByteArrayValue([]byte(image.Path)), repetition, 4)
		}
	}
}
