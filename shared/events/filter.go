package events

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Filter selects the messages of a topic that a subscription gets, by their attributes.
type Filter []condition // all conditions must hold

type condition struct {
	attribute, value string
	differs          bool
}

var conditionPattern = regexp.MustCompile(`^attributes\.([A-Za-z_][A-Za-z0-9_-]*) *(=|!=) *("(?:[^"\\]|\\.)*")`)

// ParseFilter reads the part of Pub/Sub's filter language that Subscriptions use: `attributes.a = "x"` and
// `attributes.a != "x"`, joined by AND. An empty text matches every message. Any other text is an error.
func ParseFilter(text string) (Filter, error) {
	var f Filter
	for rest := text; rest != ""; {
		if f != nil {
			after, ok := strings.CutPrefix(rest, " AND ")
			if !ok {
				return nil, fmt.Errorf("filter %q: AND is missing before %q", text, rest)
			}
			rest = after
		}
		found := conditionPattern.FindStringSubmatch(rest)
		if found == nil {
			return nil, fmt.Errorf(`filter %q: %q is not of the form attributes.a = "x" or attributes.a != "x"`, text, rest)
		}
		value, err := strconv.Unquote(found[3])
		if err != nil {
			return nil, fmt.Errorf("filter %q: value %s: %w", text, found[3], err)
		}
		f = append(f, condition{attribute: found[1], value: value, differs: found[2] == "!="})
		rest = rest[len(found[0]):]
	}
	return f, nil
}

// Matches reports whether a message with these attributes passes. A missing attribute differs from every value.
func (f Filter) Matches(attributes map[string]string) bool {
	for _, c := range f {
		value, ok := attributes[c.attribute]
		if (ok && value == c.value) == c.differs {
			return false
		}
	}
	return true
}
