package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
)

// shownLevels is the largest number of levels in the path that TooDeep returns.
const shownLevels = 4

// TooDeep reports whether lists and objects in a JSON value are nested deeper than a decoder allows. If so, path is the
// start of the path of the field with the nested values, such as `turns[0].value…`, most is the number of levels that
// a value may have, and at is the offset of the first bracket that is too deep.
func TooDeep(b []byte) (path string, most, at int, ok bool) {
	type level struct {
		key   []byte // in an object, the name of the last field, in its JSON form
		index int    // in an array, the index of the current element
		array bool
	}
	var open []level
	var text []byte // the last string, in its JSON form
	var v Nesting
	depth := 0
	named := func() bool { return depth > 0 && depth <= shownLevels }
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			v.InText = true
			end := v.skipText(b, i+1)
			text = b[i:end]
			i = end - 1
		case ':':
			if named() {
				open[depth-1].key = text
			}
		case ',':
			if named() {
				open[depth-1].index++
			}
		case '{', '[':
			if depth++; named() {
				open = append(open[:depth-1], level{array: b[i] == '['})
			}
			if depth > maxNesting {
				for _, l := range open {
					if l.array {
						path += fmt.Sprintf("[%d]", l.index)
					} else if json.Valid(l.key) {
						path += "." + Text(l.key)
					}
				}
				return strings.TrimPrefix(path, ".") + "…", maxNesting, i, true
			}
		case '}', ']':
			depth = max(depth-1, 0)
		}
	}
	return "", 0, 0, false
}
