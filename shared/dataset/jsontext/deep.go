package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
)

// shownLevels is how many levels of the path of a field that is nested too deep are named.
const shownLevels = 4

// TooDeep says of one value of JSON that lists and objects in it are nested deeper than a decoder goes: the path of the
// field that they are in, such as `turns[0].value…`, how many there may be, and the byte where the first one too many
// begins. ok is false for any other value.
func TooDeep(b []byte) (path string, most, at int, ok bool) {
	type level struct {
		key   []byte // of an object, the name of the field that was read last, as it stands
		index int    // of an array
		array bool
	}
	var open []level
	var text []byte // the string that was read last
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
