package dataset

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A Take is which records of a manifest belong to a dataset: all, or some from one of its ends, as the sampling
// strategies of LLaVA-OneVision's mixes say. The zero value takes all.
type Take struct {
	FromEnd bool  // the last records, not the first
	Count   int64 // how many, above 0; 0 where Percent says it, or all are taken
	Percent int64 // how many of a hundred, rounded up
}

// IsZero reports whether all records are taken.
func (t Take) IsZero() bool { return t == Take{} }

// ParseTake reads a strategy: all, first:1000, end:10%. A percentage is a whole number. random is refused: the strategy
// has no seed, so each program takes different records.
func ParseTake(text string) (Take, error) {
	name, amount, _ := strings.Cut(text, ":")
	switch {
	case name == "" || text == "all":
		return Take{}, nil
	case name == "random":
		return Take{}, fmt.Errorf("%q takes records at random without a seed, so each run takes different ones; write all, "+
			"and let the budget select, or write first:%s", text, amount)
	case name != "first" && name != "end":
		return Take{}, fmt.Errorf("%q is not a strategy; write all, first:1000, first:10%%, end:1000 or end:10%%", text)
	}
	number, percent := strings.CutSuffix(amount, "%")
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || percent && n > 100 {
		return Take{}, fmt.Errorf("%q: %q is not a number of records, and no whole percentage up to 100; "+
			"write %s:1000 or %s:10%%", text, amount, name, name)
	}
	if percent {
		return Take{FromEnd: name == "end", Percent: n}, nil
	}
	return Take{FromEnd: name == "end", Count: n}, nil
}

// String is the strategy as ParseTake reads it.
func (t Take) String() string {
	name, amount := "first", strconv.FormatInt(t.Count, 10)
	switch {
	case t.IsZero():
		return "all"
	case t.Percent > 0:
		amount = strconv.FormatInt(t.Percent, 10) + "%"
	}
	if t.FromEnd {
		name = "end"
	}
	return name + ":" + amount
}

// MarshalText is String.
func (t Take) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is ParseTake.
func (t *Take) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTake(string(text))
	return err
}

// elements are the first and the last element that are taken of a manifest of some records: ceil(Percent·records/100),
// as LLaVA-OneVision's loader counts them.
func (t Take) elements(records int64) (first, last int64) {
	n := t.Count
	switch {
	case t.IsZero():
		n = records
	case t.Percent > 0:
		n = (t.Percent*records + 99) / 100
	}
	if n = min(n, records); t.FromEnd {
		return records - n + 1, records
	}
	return 1, n
}

// Taken leaves of the layout's ranges what is taken. narrow is a span with the records from and to of it only; it is
// called for ranges that are taken in part, at most two.
func (l Layout) Taken(t Take, narrow func(span Span, from, to int64) (Span, error)) (Layout, error) {
	first, last := t.elements(l.Records)
	if first == 1 && last == l.Records {
		return l, nil
	}
	taken := l
	taken.Ranges, taken.Records = []Span{}, 0
	for _, span := range l.Ranges {
		from, to := max(first, span.FirstElement), min(last, span.FirstElement+span.Records-1)
		if from > to {
			continue
		}
		if to-from+1 < span.Records {
			var err error
			if span, err = narrow(span, from, to); err != nil {
				return Layout{}, err
			}
		}
		taken.Ranges = append(taken.Ranges, span)
		taken.Records += span.Records
	}
	return taken, nil
}

// Narrow is a span of a text with the records from and to of it only. body is at its beginning.
func (l Layout) Narrow(body io.Reader, span Span, from, to int64, limits Limits) (Span, error) {
	reader, err := NewReader(body, l.Framing, span, "", limits, NewSample)
	if err != nil {
		return Span{}, err
	}
	narrow := Span{Records: to - from + 1, FirstElement: from}
	for element := span.FirstElement; element <= to; element++ {
		if _, err := reader.Next(); err != nil {
			return Span{}, err
		}
		if element == from {
			narrow.Start, narrow.FirstLine = reader.last.start, reader.last.line
		}
	}
	narrow.End = reader.last.end
	return narrow, nil
}
