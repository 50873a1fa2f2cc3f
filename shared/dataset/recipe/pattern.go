package recipe

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// braces matches the first list or range in braces: {a,b} or {000..123}.
var braces = regexp.MustCompile(`\{([^{}]*,[^{}]*|\d+\.\.\d+)\}`)

// maxExpanded bounds the names that braces expand to.
const maxExpanded = 100_000

// Expand is a pattern with each of its braces replaced by what they list, in order, as shells and webdataset do:
// a-{000..002}.json is three names, and the numbers keep their zeros.
func Expand(pattern string) ([]string, error) {
	match := braces.FindStringSubmatchIndex(pattern)
	if match == nil {
		return []string{pattern}, nil
	}
	items, err := listed(pattern[match[2]:match[3]])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	var names []string
	for _, item := range items {
		rest, err := Expand(pattern[:match[0]] + item + pattern[match[1]:])
		if err != nil {
			return nil, err
		}
		if names = append(names, rest...); len(names) > maxExpanded {
			return nil, fmt.Errorf("%s: it stands for more than %d names; give fewer", pattern, maxExpanded)
		}
	}
	return names, nil
}

// maxDigits bounds the digits of a number of a range: longer ones are of no file's name.
const maxDigits = 20

// listed are the items between braces.
func listed(inner string) ([]string, error) {
	first, last, isRange := strings.Cut(inner, "..")
	if !isRange || strings.Contains(inner, ",") {
		return strings.Split(inner, ","), nil
	}
	from, err := strconv.Atoi(first)
	to, errLast := strconv.Atoi(last)
	if err != nil || errLast != nil || len(first) > maxDigits || to < from || to-from >= maxExpanded {
		return nil, fmt.Errorf("{%s} is no range; write {000..123}, the smaller number first", inner)
	}
	var items []string
	for n := from; n <= to; n++ {
		items = append(items, fmt.Sprintf("%0*d", len(first), n))
	}
	return items, nil
}

// HasPattern reports whether a name is a glob or has braces.
func HasPattern(name string) bool {
	return strings.ContainsAny(name, "*?[") || braces.MatchString(name)
}
