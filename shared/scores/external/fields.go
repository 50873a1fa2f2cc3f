package external

import (
	"encoding/json"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Numbers yields the numeric fields of a JSON object, such as FineVision's ratings. If a name occurs several times, the
// last value is used. It yields nothing if the text is not a JSON object.
func Numbers(object []byte) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if !json.Valid(object) || jsontext.TypeOf(object) != jsontext.Object {
			return
		}
		for name, value := range checkedNumbers(object) {
			if !yield(name, value) {
				return
			}
		}
	}
}

// checkedNumbers yields the numeric fields of a valid object, in their order.
func checkedNumbers(object []byte) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		fields := jsontext.Items(object)
		for i := 0; i+1 < len(fields); i += 2 {
			if jsontext.TypeOf(fields[i+1]) != jsontext.Number {
				continue
			}
			v, err := strconv.ParseFloat(string(fields[i+1]), 64)
			if err == nil && !yield(jsontext.Text(fields[i]), v) {
				return
			}
		}
	}
}

const (
	// maxColumns is the largest number of columns of a range that are kept. maxCells is the largest number of values in
	// these columns.
	maxColumns, maxCells = 32, 2 << 20
	// maxName is the largest length, in bytes, of a column's name.
	maxName = 200
)

// A Collector collects the numbers of the records of a range. Its memory is limited for any records.
type Collector struct {
	most    int // largest number of columns
	rows    int
	columns map[string][]float64
	more    bool
}

// NewCollector returns a Collector for about this number of records.
func NewCollector(records int) *Collector {
	return &Collector{most: min(max(maxCells/max(records, 1), 1), maxColumns), columns: map[string][]float64{}}
}

// Add adds the next record. A nil or invalid record has no numbers.
func (c *Collector) Add(object []byte) {
	if len(object) > 0 && object[0] == '{' {
		for name, value := range checkedNumbers(object) {
			c.set(name, value)
		}
	}
	c.rows++
}

func (c *Collector) set(name string, value float64) {
	values, known := c.columns[name]
	if !known && (len(c.columns) >= c.most || name == "" || len(name) > maxName) {
		c.more = true
		return
	}
	if !known {
		name = strings.Clone(name)
	}
	values = padded(values, c.rows)
	c.columns[name] = append(values[:c.rows], value)
}

// padded extends a column to the number of rows.
func padded(values []float64, rows int) []float64 {
	for len(values) < rows {
		values = append(values, math.NaN())
	}
	return values
}

// Numbers returns the numbers of all records.
func (c *Collector) Numbers() *scores.Numbers {
	n := &scores.Numbers{Names: slices.Sorted(maps.Keys(c.columns)), More: c.more}
	for _, name := range n.Names {
		n.Values = append(n.Values, padded(c.columns[name], c.rows))
	}
	return n
}
