package run

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

const (
	acceptedPrefix = "index/accepted/"
	finishedPrefix = "index/finished/"
)

// An Index lists accepted work, and finished work, in two flat listings: index/accepted/ and index/finished/. The name
// of an entry is `<reverse time>-<run>`, followed by `.<selection>`, `.request-<request>` or `.images-<check>` if the
// work is not the run itself. The latest entries come first. An entry is written before a caller gets the answer, or
// the message is acknowledged. So the work is finished even if every message is lost.
type Index struct{ work bucket.Bucket }

// NewIndex returns the index of a work bucket.
func NewIndex(work bucket.Bucket) *Index { return &Index{work} }

// An Entry is one of four kinds of accepted work: a run, a selection of a run, a request for a selection that is made
// when the run is scored, or a check of the run's images.
type Entry struct {
	Run       string `json:"run"`
	Selection string `json:"selection,omitempty"`
	Request   string `json:"request,omitempty"`
	Check     string `json:"check,omitempty"`

	Accepted time.Time `json:"-"` // set by Open, from the entry's name
}

func (e Entry) name(at time.Time) string {
	name := fmt.Sprintf("%019d-%s", math.MaxInt64-at.UnixNano(), e.Run)
	switch {
	case e.Selection != "":
		name += "." + e.Selection
	case e.Request != "":
		name += ".request-" + e.Request
	case e.Check != "":
		name += ".images-" + e.Check
	}
	return name
}

// acceptedAt returns the time in the name of an entry; the zero time if it has none.
func acceptedAt(name string) time.Time {
	reversed, _, _ := strings.Cut(name, "-")
	n, err := strconv.ParseInt(reversed, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, math.MaxInt64-n)
}

// An Acceptance is the object that records when an entry was accepted, and, if known, who requested it.
type Acceptance struct {
	At time.Time `json:"at"`
	By string    `json:"by,omitempty"`
}

// ReadAcceptance reads the Acceptance in the object since. It is zero if there is no such object, or if the object is
// damaged: then only the time and the caller are lost.
func ReadAcceptance(ctx context.Context, work bucket.Reader, since string) (a Acceptance, err error) {
	err = bucket.ReadJSON(ctx, work, since, &a)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrDamaged) {
		return Acceptance{}, nil
	}
	return a, err
}

// Accept adds an entry once. The object since, which belongs only to this entry, stores the time and the caller of the
// first call.
func (x *Index) Accept(ctx context.Context, e Entry, since string, now time.Time) error {
	_, err := x.accept(ctx, e, since, now)
	return err
}

// acceptFinished is Accept for an entry without further work, which only appears in lists.
func (x *Index) acceptFinished(ctx context.Context, e Entry, since string, now time.Time) error {
	name, err := x.accept(ctx, e, since, now)
	if err != nil || name == "" {
		return err
	}
	_, err = bucket.CreateJSON(ctx, x.work, finishedPrefix+name, e)
	return err
}

// accept is Accept, and returns the name of the entry. The name is empty if the object since is damaged: then the name
// is not known, and the entry was added before.
func (x *Index) accept(ctx context.Context, e Entry, since string, now time.Time) (string, error) {
	first := Acceptance{At: now.UTC(), By: CallerOf(ctx)}
	created, err := bucket.CreateJSON(ctx, x.work, since, first)
	if err != nil {
		return "", err
	}
	if !created {
		if err := bucket.ReadJSON(ctx, x.work, since, &first); errors.Is(err, bucket.ErrDamaged) {
			return "", nil
		} else if err != nil {
			return "", err
		}
	}
	name := e.name(first.At)
	_, err = bucket.CreateJSON(ctx, x.work, acceptedPrefix+name, e)
	return name, err
}

// Open calls do for at most limit unfinished entries after the cursor. An empty cursor starts at the first entry. do
// reports whether its entry is finished now. Open returns the cursor of the next call; empty after the last entry. If
// do returns an error, Open continues with the next entry, and joins all errors.
func (x *Index) Open(
	ctx context.Context, cursor string, limit int, do func(context.Context, Entry) (finished bool, err error),
) (string, error) {
	finished, stop := iter.Pull2(x.work.List(ctx, finishedPrefix, join(finishedPrefix, cursor)))
	defer stop()
	last, err, more := finished()
	var errs []error
	for attrs, listed := range x.work.List(ctx, acceptedPrefix, join(acceptedPrefix, cursor)) {
		name := strings.TrimPrefix(attrs.Name, acceptedPrefix)
		for more && err == nil && strings.TrimPrefix(last.Name, finishedPrefix) < name {
			last, err, more = finished()
		}
		if listed != nil || err != nil {
			return cursor, errors.Join(append(errs, fmt.Errorf("listing the index: %w", errors.Join(listed, err)))...)
		}
		if more && strings.TrimPrefix(last.Name, finishedPrefix) == name {
			cursor = name
			continue
		}
		if limit == 0 {
			return cursor, errors.Join(errs...)
		}
		limit--
		cursor = name
		errs = append(errs, x.visit(ctx, name, do))
	}
	return "", errors.Join(errs...)
}

// join returns the name of an entry's object; empty for an empty name.
func join(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + name
}

// visit calls do for an entry, and records if the entry is finished.
func (x *Index) visit(
	ctx context.Context, name string, do func(context.Context, Entry) (finished bool, err error),
) error {
	var e Entry
	if err := bucket.ReadJSON(ctx, x.work, acceptedPrefix+name, &e); err != nil {
		return err
	}
	e.Accepted = acceptedAt(name)
	finished, err := do(ctx, e)
	if err != nil || !finished {
		return err
	}
	_, err = bucket.CreateJSON(ctx, x.work, finishedPrefix+name, e)
	return err
}
