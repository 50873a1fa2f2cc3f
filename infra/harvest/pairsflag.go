package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// A pairsFlag is the value of a flag for pairs of names and values, such as "humanities=2,stem knowledge=3". The flag
// may be repeated, or have several pairs as CSV. Each name has one value.
type pairsFlag[V any] struct {
	of      map[string]V // nil if no pair is given
	parse   func(string) (V, error)
	text    func(V) string
	kind    string // type of the values, for the help
	example string // example for error messages
}

func newPairs[V any](
	parse func(string) (V, error), text func(V) string, kind, example string,
) pairsFlag[V] {
	return pairsFlag[V]{parse: parse, text: text, kind: kind, example: example}
}

// Set adds pairs. It stops with an error at the first invalid pair.
func (f *pairsFlag[V]) Set(text string) error {
	reader := csv.NewReader(strings.NewReader(text))
	reader.LazyQuotes = true
	list, err := reader.Read()
	if err != nil {
		return fmt.Errorf("give names with values, such as %s", f.example)
	}
	for _, pair := range list {
		at := strings.LastIndexByte(pair, '=') // a name may contain = too
		if at < 1 || strings.TrimSpace(pair[at+1:]) == "" {
			return fmt.Errorf("%q is not a name with a value; write it as in %s", pair, f.example)
		}
		name := strings.TrimSpace(pair[:at])
		if _, twice := f.of[name]; twice {
			return fmt.Errorf("%q is given twice; give it one value", name)
		}
		value := strings.TrimSpace(pair[at+1:])
		parsed, err := f.parse(value)
		if err != nil {
			return fmt.Errorf("%q: %w", name, spelling.Value(value, err))
		}
		if f.of == nil {
			f.of = map[string]V{}
		}
		f.of[name] = parsed
	}
	return nil
}

// String returns the pairs as the user typed them.
func (f *pairsFlag[V]) String() string {
	if f == nil || f.text == nil { // the library of flags calls String on a zero value
		return ""
	}
	return pairs(f.of, f.text)
}

// Type returns the name of the values for the help.
func (f *pairsFlag[V]) Type() string { return "name=" + f.kind }

// names returns the given names, in ascending order.
func (f *pairsFlag[V]) names() []string { return slices.Sorted(maps.Keys(f.of)) }
