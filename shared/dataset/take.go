package dataset

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A Take selects the records of a manifest that belong to a dataset: all records, or a number of records from the start
// or the end, like the sampling strategies of LLaVA-OneVision's mixes. The zero value takes all records.
type Take struct {
	FromEnd bool  // take the last records instead of the first
	Count   int64 // number of records; 0 if Percent is set, or if all are taken
	Percent int64 // percentage of the records, rounded up
}

// IsZero reports whether all records are taken.
func (t Take) IsZero() bool { return t == Take{} }

// ParseTake parses a strategy: all, first:1000, end:10%. A percentage is a whole number. The strategy random is
// refused: it has no seed, so each program takes different records.
func ParseTake(text string) (Take, error) {
	name, amount, _ := strings.Cut(text, ":")
	switch {
	case text == "" || text == "all":
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
		return Take{}, fmt.Errorf("%q: %q is not a number of records or a whole percentage up to 100; "+
			"write %s:1000 or %s:10%%", text, amount, name, name)
	}
	if percent {
		return Take{FromEnd: name == "end", Percent: n}, nil
	}
	return Take{FromEnd: name == "end", Count: n}, nil
}

// String returns the strategy in the form that ParseTake reads.
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

// MarshalText returns the text of String.
func (t Take) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText accepts the same texts as ParseTake.
func (t *Take) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTake(string(text))
	return err
}

// elements returns the numbers of the first and the last taken record of a manifest that has this number of records. A
// percentage takes ceil(Percent·records/100), as LLaVA-OneVision's loader does.
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

// Taken returns the layout with only the records of t. narrow must return the part of span that begins with record
// number from and ends with record number to. Taken calls narrow for the ranges of which only a part is taken. There
// are at most two such ranges.
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

// Narrow returns the part of a span of text that begins with record number from and ends with record number to. body
// must be at the start of the span.
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
