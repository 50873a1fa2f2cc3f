package dataset

import (
	"strconv"
	"strings"
)

// A Lookup finds the samples that users name by their ids, in one pass over the ids of a dataset. A name is an id, for
// all samples with this id; or ID#n, for the n-th sample with this id, from 1. A name of the form ID#n that is itself
// an id stands for that id. A Lookup is not safe for concurrent use.
type Lookup struct {
	entries map[string]*lookupEntry
	next    int // position of the next sample
}

// A lookupEntry has the names that refer to one id, and the samples found for them.
type lookupEntry struct {
	named bool           // the id itself is one of the names
	all   []int          // positions of the samples with the id, if named
	seen  int            // number of samples with the id so far
	nth   map[int]string // names ID#n, by n
	found map[string]int // position of the sample, by its name in nth
}

// NewLookup returns a Lookup of names.
func NewLookup(names []string) *Lookup {
	l := &Lookup{entries: map[string]*lookupEntry{}}
	for _, name := range names {
		l.entry(name).named = true
		if id, n := SplitName(name); n > 0 {
			e := l.entry(id)
			if e.nth == nil {
				e.nth, e.found = map[int]string{}, map[string]int{}
			}
			e.nth[n] = name
		}
	}
	return l
}

// Name returns the name of the n-th sample, from 1, of the samples with this id; all is their number. The name is the
// id if there is only one sample, otherwise ID#n.
func Name(id string, n, all int) string {
	if all == 1 {
		return id
	}
	return id + "#" + strconv.Itoa(n)
}

func (l *Lookup) entry(id string) *lookupEntry {
	e := l.entries[id]
	if e == nil {
		e = &lookupEntry{}
		l.entries[id] = e
	}
	return e
}

// SplitName splits a name of the form ID#n. n is 0 if the name has another form, or if its number has a sign or leading
// zeros.
func SplitName(name string) (id string, n int) {
	at := strings.LastIndexByte(name, '#')
	if at < 1 {
		return "", 0
	}
	n, err := strconv.Atoi(name[at+1:])
	if err != nil || n < 1 || strconv.Itoa(n) != name[at+1:] {
		return "", 0
	}
	return name[:at], n
}

// Add adds the id of the next sample of the dataset, and reports whether a name can stand for this sample.
func (l *Lookup) Add(id string) bool {
	position := l.next
	l.next++
	e := l.entries[id]
	if e == nil {
		return false
	}
	e.seen++
	if e.named {
		e.all = append(e.all, position)
	}
	name, numbered := e.nth[e.seen]
	if numbered {
		e.found[name] = position
	}
	return e.named || numbered
}

// Len returns the number of samples that were added.
func (l *Lookup) Len() int { return l.next }

// Positions returns the positions of the samples that a name stands for, ascending, from 0. It returns nil if there is
// no such sample.
func (l *Lookup) Positions(name string) []int {
	if e := l.entries[name]; e != nil && len(e.all) > 0 {
		return e.all
	}
	id, _ := SplitName(name)
	if e := l.entries[id]; e != nil {
		if position, ok := e.found[name]; ok {
			return []int{position}
		}
	}
	return nil
}

// Numbered reports whether a name stands for one of several samples with an id.
func (l *Lookup) Numbered(name string) bool {
	e := l.entries[name]
	return e == nil || len(e.all) == 0
}
