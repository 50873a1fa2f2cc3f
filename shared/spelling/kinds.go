package spelling

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// wrongValue returns a message for a wrong value in YAML, which names the expected kind of value. kind is the tag of
// the wrong value. text is the value as it is written, unless it is a list or has keys. of is the expected type; nil if
// it is not known.
func wrongValue(kind, text string, of reflect.Type) string {
	switch {
	case kind == "seq":
		return fmt.Sprintf("give %s, not a list", kindOf(of, "yaml"))
	case kind == "map":
		return fmt.Sprintf("give %s, not names with values", kindOf(of, "yaml"))
	case of != nil && of.Kind() == reflect.Struct:
		return fmt.Sprintf("give %s, not %q", kindOf(of, "yaml"), text)
	}
	return fmt.Sprintf("%q is not %s", text, kindOf(of, "yaml"))
}

// jsonValue returns the words for a kind of JSON value. kind is the library's name of the kind.
func jsonValue(kind string) string {
	word, number, _ := strings.Cut(kind, " ") // a number follows the name of its kind
	if number != "" && len(number) <= 40 {
		return number
	}
	switch word {
	case "array":
		return "a list"
	case "object":
		return "names with values"
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	}
	return "a " + word
}

// kindOf returns the words for the values of a type. tag is the struct tag that has the names of its fields.
func kindOf(t reflect.Type, tag string) string {
	if t == nil {
		return "a value of this form"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind(); {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "a text or a number"
	case kind == reflect.Slice:
		return "a list"
	case kind == reflect.Map:
		return "names with values"
	case kind == reflect.Struct:
		return "values with the names " + someOf(fields(t, tag))
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case reflect.Int <= kind && kind <= reflect.Int64:
		return "a whole number"
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "a number"
	case kind == reflect.Bool:
		return "true or false"
	case kind == reflect.String:
		return "a text"
	}
	return "a value of this form"
}

// someOf joins names to a text. If there are more than five, the text has the first five.
func someOf(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(names[:most:most], "...")
	}
	return strings.Join(names, ", ")
}

// typeIn returns the type with this name, as Go writes it, among t and the types that t contains; nil if there is no
// such type.
func typeIn(t reflect.Type, name string) reflect.Type {
	seen := map[reflect.Type]bool{}
	var look func(t reflect.Type) reflect.Type
	look = func(t reflect.Type) reflect.Type {
		if t == nil || seen[t] {
			return nil
		}
		if seen[t] = true; t.String() == name {
			return t
		}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			return look(t.Elem())
		case reflect.Struct:
			for field := range t.Fields() {
				if found := look(field.Type); found != nil {
					return found
				}
			}
		default:
		}
		return nil
	}
	return look(t)
}
