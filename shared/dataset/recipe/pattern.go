package recipe

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ofRange matches the content of the braces of a range.
var ofRange = regexp.MustCompile(`^(\d+)\.\.(\d+)$`)

// maxExpanded is the largest number of names to which a pattern may expand.
const maxExpanded = 100_000

const (
	// maxDigits is the largest number of digits of a number in a range. No file name has longer numbers.
	maxDigits = 20
	// maxPattern is the largest length, in bytes, of a pattern with braces. No file name is longer.
	maxPattern = 4 << 10
)

// Expand returns the names that a pattern with braces stands for, in the order of the items, as shells and webdataset
// do. a-{000..002}.json stands for three names, whose numbers have leading zeros. Braces may be nested.
func Expand(pattern string) ([]string, error) {
	if strings.Contains(pattern, "{") && len(pattern) > maxPattern {
		return nil, fmt.Errorf("%s…: it has %d bytes, but a pattern may have at most %d; give a shorter pattern",
			pattern[:40], len(pattern), maxPattern)
	}
	names, err := expand(pattern)
	if err == nil && len(names) > maxExpanded {
		err = fmt.Errorf("it expands to more than %d names; give a pattern of fewer names", maxExpanded)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	return names, nil
}

// expand expands the first braces that list items, and all braces in these items and after them. It stops soon after
// maxExpanded names.
func expand(pattern string) ([]string, error) {
	first, items, rest, err := firstBraces(pattern)
	if items == nil || err != nil {
		return []string{pattern}, err
	}
	ends, err := expand(rest)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, item := range items {
		middles, err := expand(item)
		if err != nil {
			return nil, err
		}
		for _, middle := range middles {
			for _, end := range ends {
				if names = append(names, first+middle+end); len(names) > maxExpanded {
					return names, nil
				}
			}
		}
	}
	return names, nil
}

// firstBraces returns the text before the first braces that list items, the items, and the text after the braces. items
// is nil if no braces list items.
func firstBraces(pattern string) (before string, items []string, after string, err error) {
	for open := range len(pattern) {
		if pattern[open] != '{' {
			continue
		}
		depth, start := 0, open+1
		items = nil
		for i := open; i < len(pattern); i++ {
			switch c := pattern[i]; {
			case c == '{':
				depth++
			case c == ',' && depth == 1:
				items = append(items, pattern[start:i])
				start = i + 1
			case c == '}':
				depth--
			}
			if depth > 0 {
				continue
			}
			if items != nil {
				items = append(items, pattern[start:i])
			} else if items, err = numbers(pattern[start:i]); items == nil && err == nil {
				break // braces around a single name are part of the name
			}
			return pattern[:open], items, pattern[i+1:], err
		}
	}
	return pattern, nil, "", nil
}

// numbers returns the numbers of a range such as 000..123. It returns nil if the text is not a range.
func numbers(inner string) ([]string, error) {
	match := ofRange.FindStringSubmatch(inner)
	if match == nil {
		return nil, nil
	}
	from, err := strconv.Atoi(match[1])
	to, errLast := strconv.Atoi(match[2])
	if err != nil || errLast != nil || len(match[1]) > maxDigits || to < from || to-from >= maxExpanded {
		return nil, fmt.Errorf("{%s} is not a range; write {000..123}, the smaller number first", inner)
	}
	var items []string
	for n := from; n <= to; n++ {
		items = append(items, fmt.Sprintf("%0*d", len(match[1]), n))
	}
	return items, nil
}

// HasPattern reports whether a name is a glob, or has braces that Expand expands or refuses.
func HasPattern(name string) bool {
	if strings.ContainsAny(name, "*?[") || strings.Contains(name, "{") && len(name) > maxPattern {
		return true
	}
	_, items, _, err := firstBraces(name)
	return items != nil || err != nil
}
