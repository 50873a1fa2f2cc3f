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

// uploadsPrefix begins the records of uploads that were handled.
const uploadsPrefix = "index/uploads/"

// An Index knows which work was accepted, and which of it is finished, in two flat listings: index/accepted/ and
// index/finished/. An entry is called `<reverse time>-<run>`, with `.<selection>`, `.request-<request>` or
// `.images-<check>` behind it if it is not the run itself; new ones come first. An entry is written before a caller
// gets its answer, or the message is acknowledged; so the work is finished even if every message is lost.
type Index struct{ work bucket.Bucket }

// NewIndex is the index of a work bucket.
func NewIndex(work bucket.Bucket) *Index { return &Index{work} }

// An Entry is one of four kinds of accepted work: a run, a selection of a run, a request for a selection that is made
// when the run is scored, or a check of the run's images.
type Entry struct {
	Run       string `json:"run"`
	Selection string `json:"selection,omitempty"`
	Request   string `json:"request,omitempty"`
	Check     string `json:"check,omitempty"`

	Accepted time.Time `json:"-"` // in an entry that Open visits; its name has it
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

// acceptedAt is the time in the name of an entry; the zero time if it has none.
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

// ReadAcceptance reads the object of that name; zero if there is none, or if it is damaged: only times and callers are
// lost with it.
func ReadAcceptance(ctx context.Context, work bucket.Reader, since string) (a Acceptance, err error) {
	err = bucket.ReadJSON(ctx, work, since, &a)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrDamaged) {
		return Acceptance{}, nil
	}
	return a, err
}

// Accept adds an entry, once: the object called since, which belongs to the entry alone, keeps the time of the first
// call, and its caller.
func (x *Index) Accept(ctx context.Context, e Entry, since string, now time.Time) error {
	_, err := x.accept(ctx, e, since, now)
	return err
}

// acceptFinished is Accept for an entry without work left: it only appears in lists.
func (x *Index) acceptFinished(ctx context.Context, e Entry, since string, now time.Time) error {
	name, err := x.accept(ctx, e, since, now)
	if err != nil || name == "" {
		return err
	}
	_, err = bucket.CreateJSON(ctx, x.work, finishedPrefix+name, e)
	return err
}

// accept is Accept, and returns the name of the entry. It is empty if the object called since is damaged: then the name
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

// Open calls do for at most limit entries that are not finished and come after the cursor, the first ones if it is
// empty. do reports whether its entry is finished now. Open returns the cursor of the next call, empty after the last
// entry. After an error of do the others are still called; all errors are joined.
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

// join is the name of an entry in a listing; empty for no entry.
func join(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + name
}

// visit calls do for an entry.
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

// A notedUpload is what NoteUpload keeps.
type notedUpload struct {
	Upload
	Run string `json:"run,omitempty"`
}

// NoteUpload records that the request of an upload was accepted or refused, and as which run. The upload is then not
// handled again, even if the run is removed.
func (x *Index) NoteUpload(ctx context.Context, u Upload, run string) error {
	name, err := uploadName(u)
	if err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, x.work, name, notedUpload{u, run})
	return err
}

// RunOf is the run that an upload was accepted or refused as; empty if it was not, or if that was not noted.
func (x *Index) RunOf(ctx context.Context, u Upload) (string, error) {
	name, err := uploadName(u)
	if err != nil {
		return "", err
	}
	var noted notedUpload
	err = bucket.ReadJSON(ctx, x.work, name, &noted)
	if errors.Is(err, bucket.ErrNotExist) {
		return "", nil
	}
	return noted.Run, err
}

// HasUpload reports whether an upload was noted.
func (x *Index) HasUpload(ctx context.Context, u Upload) (bool, error) {
	name, err := uploadName(u)
	if err != nil {
		return false, err
	}
	return bucket.Exists(ctx, x.work, name)
}

// uploadName is a hash, because the name of the object may be as long as names can be.
func uploadName(u Upload) (string, error) {
	hash, err := CanonicalHash([]string{u.Object, strconv.FormatInt(u.Generation, 10)})
	if err != nil {
		return "", fmt.Errorf("identifying the upload of %s: %w", u.Object, err)
	}
	return uploadsPrefix + hash + ".json", nil
}
