package hfparquet

import (
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// errUneven reports a row whose columns contradict each other.
var errUneven = errors.New("its columns have different numbers of values")

// An assembly makes the JSON of rows from their columns. A binary value is replaced by its number in the row.
type assembly struct {
	columns []*column
	rows    [][]pages.Entry // for each column that is read, its entries in the row
	skipped []skipped       // for each column, why it is not read
	next    []int           // for each column, the index of the next entry
	out     []byte
	// values are the binary values of the columns that are read. known is the number of binary values of the row that were
	// found so far.
	values [][]byte
	known  int
	uneven bool
}

// A skipped is the reason why a column need not be read.
type skipped byte

const (
	isRead     skipped = iota
	allPresent         // its value is not null if the struct around it is not null
	allNull
	notNeeded // this reader does not use it
)

func newAssembly(s *schema) *assembly {
	n := len(s.columns)
	return &assembly{columns: s.columns, rows: make([][]pages.Entry, n), skipped: make([]skipped, n), next: make([]int, n)}
}

// record returns the JSON of the row whose entries are in rows. It is valid until the next call.
func (a *assembly) record(root *node) ([]byte, error) {
	a.out, a.values, a.known, a.uneven = a.out[:0], a.values[:0], 0, false
	clear(a.next)
	a.fields(root)
	for i, entries := range a.rows {
		if a.skipped[i] == isRead && a.next[i] != len(entries) {
			a.uneven = true
		}
	}
	if a.uneven {
		return nil, errUneven
	}
	return a.out, nil
}

// entry returns the next entry of a column that is read.
func (a *assembly) entry(column int) pages.Entry {
	if a.next[column] >= len(a.rows[column]) {
		a.uneven = true
		return pages.Entry{}
	}
	return a.rows[column][a.next[column]]
}

// guide returns the index of a column that is below the node and is read; -1 if there is none.
func (a *assembly) guide(n *node) int {
	for column := n.first; column < n.last; column++ {
		if a.skipped[column] == isRead {
			return column
		}
	}
	return -1
}

// write writes a node, or null if it is absent.
func (a *assembly) write(n *node) {
	guide := a.guide(n)
	switch {
	case guide < 0 && n.kind == leafNode:
		a.leaf(n)
	case guide < 0, n.optional && a.entry(guide).Def < n.def:
		a.null(n)
	case n.kind == leafNode:
		a.leaf(n)
	case n.kind == structNode:
		a.fields(n)
	default:
		a.elements(n, guide)
	}
}

// null writes null for a node, and skips its entries.
func (a *assembly) null(n *node) {
	a.out = append(a.out, "null"...)
	a.pass(n)
}

func (a *assembly) pass(n *node) {
	for column := n.first; column < n.last; column++ {
		a.next[column]++
	}
}

// elements writes a list or a map.
func (a *assembly) elements(n *node, guide int) {
	begin, end := byte('['), byte(']')
	isObject := n.kind == mapNode && isText(n.children[0].element) && !n.children[0].optional
	if isObject {
		begin, end = '{', '}'
	}
	a.out = append(a.out, begin)
	if a.entry(guide).Def < n.item.def {
		a.pass(n)
		a.out = append(a.out, end)
		return
	}
	for first := true; ; first = false {
		if !first {
			a.out = append(a.out, ',')
		}
		switch {
		case isObject:
			a.write(n.children[0])
			a.out = append(a.out, ':')
			a.write(n.children[1])
		case n.elem == n.item: // the list is not empty, so the element is present
			a.present(n.elem, guide)
		default:
			a.write(n.elem)
		}
		if a.uneven || a.next[guide] >= len(a.rows[guide]) || a.entry(guide).Rep < n.item.rep {
			break
		}
	}
	a.out = append(a.out, end)
}

// present writes a node that is not null.
func (a *assembly) present(n *node, guide int) {
	switch n.kind {
	case leafNode:
		a.leaf(n)
	case structNode:
		a.fields(n)
	default:
		a.elements(n, guide)
	}
}

// fields writes a struct. If its field bytes is binary, the number of the value is written in its place, after the
// other fields. Such a struct is written as null if all its fields are null.
func (a *assembly) fields(n *node) {
	start, empty := len(a.out), true
	var data *node
	a.out = append(a.out, '{')
	for _, child := range n.children {
		if child.name == "bytes" && child.kind == leafNode && a.columns[child.first].binary {
			data = child
			continue
		}
		if len(a.out) > start+1 {
			a.out = append(a.out, ',')
		}
		a.out = append(appendText(a.out, child.name), ':')
		value := len(a.out)
		a.write(child)
		empty = empty && string(a.out[value:]) == "null"
	}
	if data != nil {
		if number, ok := a.binary(data.first); ok {
			if len(a.out) > start+1 {
				a.out = append(a.out, ',')
			}
			a.out = strconv.AppendInt(append(a.out, `"embedded":`...), int64(number), 10)
		} else if empty {
			a.out = append(a.out[:start], "null"...)
			return
		}
	}
	a.out = append(a.out, '}')
}

// leaf writes a value.
func (a *assembly) leaf(n *node) {
	c := a.columns[n.first]
	if c.binary {
		number, ok := a.binary(n.first)
		if !ok {
			a.out = append(a.out, "null"...)
			return
		}
		a.out = strconv.AppendInt(append(a.out, `{"path":null,"embedded":`...), int64(number), 10)
		a.out = append(a.out, '}')
		return
	}
	if a.skipped[n.first] != isRead {
		a.null(n)
		return
	}
	entry := a.entry(n.first)
	a.next[n.first]++
	if a.uneven || entry.Def < c.MaxDef {
		a.out = append(a.out, "null"...)
		return
	}
	a.out = appendValue(a.out, c, entry.Value)
}

// binary skips a binary value and returns its number in the row; ok is false if it is null.
func (a *assembly) binary(column int) (number int, ok bool) {
	at := a.next[column]
	a.next[column]++
	switch a.skipped[column] {
	case allPresent:
	case isRead:
		if at >= len(a.rows[column]) {
			a.uneven = true
			return 0, false
		}
		entry := a.rows[column][at]
		if entry.Def < a.columns[column].MaxDef {
			return 0, false
		}
		a.values = append(a.values, entry.Value)
	default:
		return 0, false
	}
	a.known++
	return a.known - 1, true
}

// appendBytes appends bytes as base64.
func appendBytes(out, value []byte) []byte {
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, value)
	return append(out, '"')
}
