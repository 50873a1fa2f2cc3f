package browse

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// The fields of a filter.
const (
	fieldRating = "rating"
	fieldStyle  = "style"
	fieldSource = "source"
	fieldStatus = "status"
	fieldReason = "reason"
	fieldNumber = "number"

	fieldCluster     = "cluster"
	fieldClusterSize = "cluster_size"
)

// Further values of status, for lists with a selection.
const (
	Selected = "selected" // in the selection
	Left     = "left"     // scored, but not in the selection
)

// A Filter is a list of conditions. A sample passes if it meets all of them.
type Filter []Term

// A Term is one condition. Its text is one of
//
//	rating.CAPABILITY OP N    OP is = != < <= > >=, and N is 0 to 5; with = and != also none, for a missing rating
//	style=NAME  source=NAME   or != in place of =; a sample has each of its styles
//	status=STATUS             ok, failed or skipped; with a selection also selected or left
//	reason=CODE               why the sample was not scored; with a selection, why it is not selected
//	cluster=NAME              or !=: the sample is in the same cluster as the sample with this name (subset.Reader.One)
//	cluster_size OP N         number of samples of its cluster: 1 for a sample without near duplicates
//	COLUMN OP N               a selection.Condition with any other name: a field of the records with numbers or, with a
//	                          selection, a column of the selection's file of numbers
//
// A name begins after the operator and ends with the text. A comparison with a number is false for a missing rating.
type Term struct {
	field, name string // name is the name of the capability
	operator    string
	value       string
	condition   selection.Condition // on a number, or on the size of a cluster
}

var (
	ratingTerm = regexp.MustCompile(`^rating\.(.+?) *(!=|<=|>=|=|<|>) *([0-5]|none)$`)
	nameTerm   = regexp.MustCompile(`(?s)^(style|source|status|reason|cluster)(!=|=)(.+)$`)
)

// ParseFilter reads terms. It ignores empty texts, because forms send them. The error is a *run.RefusedError that names
// the first invalid term.
func ParseFilter(texts []string) (Filter, error) {
	var filter Filter
	for _, text := range texts {
		if text == "" {
			continue
		}
		term, ok := parseTerm(text)
		if !ok {
			return nil, &run.RefusedError{Reason: fmt.Sprintf("filter: %q is not a condition; give rating.CAPABILITY>=N "+
				"(N from 0 to 5), style=NAME, source=NAME, status=STATUS, reason=CODE, cluster=SAMPLE, cluster_size>=N or "+
				"COLUMN>=NUMBER", text)}
		}
		filter = append(filter, term)
	}
	return filter, nil
}

func parseTerm(text string) (Term, bool) {
	if m := ratingTerm.FindStringSubmatch(text); m != nil {
		equals := m[2] == "=" || m[2] == "!="
		return Term{field: fieldRating, name: m[1], operator: m[2], value: m[3]}, m[3] != "none" || equals
	}
	if m := nameTerm.FindStringSubmatch(text); m != nil {
		return Term{field: m[1], operator: m[2], value: m[3]}, true
	}
	c, err := selection.ParseCondition(text)
	if err != nil || strings.HasPrefix(c.Column, fieldRating+".") {
		return Term{}, false
	}
	if c.Column == fieldClusterSize {
		return Term{field: fieldClusterSize, condition: c}, true
	}
	return Term{field: fieldNumber, name: c.Column, condition: c}, true
}

// withKnown returns the filter with the names of these capabilities in place of their other spellings.
func (f Filter) withKnown(capabilities []string) Filter {
	f = slices.Clone(f)
	for i, t := range f {
		if t.field == fieldRating {
			f[i].name = selection.KnownName(t.name, capabilities)
		}
	}
	return f
}

// check returns an error for a term with a name that the run does not have. selected reports whether the list has a
// selection.
func (t Term) check(plan *run.Plan, selected bool) error {
	var name string
	var known []string
	switch t.field {
	case fieldRating:
		name, known = t.name, plan.Rubric.Capabilities
	case fieldNumber:
		if slices.Contains(plan.Rubric.Capabilities, t.name) {
			return &run.RefusedError{Reason: fmt.Sprintf("filter: %s is a capability; give %s.%s", t.name, fieldRating,
				t.condition)}
		}
		return nil
	case fieldStyle:
		name, known = t.value, plan.Rubric.Styles
	case fieldStatus:
		name, known = t.value, []string{scores.OK.String(), scores.Failed.String(), scores.Skipped.String()}
		if selected {
			known = append(known, Selected, Left)
		}
	default:
		return nil
	}
	if slices.Contains(known, name) {
		return nil
	}
	unknown := &selection.UnknownNameError{Field: "filter: " + t.field, Name: name, Known: known}
	return &run.RefusedError{Reason: spelling.Names(unknown).Error()}
}

// rated returns a function that compares a rating with the term.
func (t Term) rated() func(rating int8) bool {
	if t.value == "none" {
		return func(rating int8) bool { return (rating == selection.Missing) == (t.operator == "=") }
	}
	n, _ := strconv.Atoi(t.value) // cannot fail: the value is a digit
	than := int8(n)
	compare := map[string]func(int8) bool{
		"=":  func(r int8) bool { return r == than },
		"!=": func(r int8) bool { return r != than },
		"<":  func(r int8) bool { return r < than },
		"<=": func(r int8) bool { return r <= than },
		">":  func(r int8) bool { return r > than },
		">=": func(r int8) bool { return r >= than },
	}[t.operator]
	return func(rating int8) bool { return rating != selection.Missing && compare(rating) }
}
