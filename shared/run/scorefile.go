package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scores"
)

// scoreFile returns the Parquet file with the scores of a range. The error is bucket.ErrNotExist if the range is not
// scored. The file is shared: do not change it.
func (r *Reader) scoreFile(ctx context.Context, run string, number int) ([]byte, error) {
	name := RangeScoresName(run, number)
	return r.files.Get(ctx, name, func(ctx context.Context) ([]byte, error) { return bucket.ReadAll(ctx, r.work, name) })
}

// ReadScores reads the file of a range's scores and passes it to use, which returns its number of rows. The file is not
// cached. The error is a *bucket.LostError if the file is missing, if use cannot read it, or if the number of rows is
// not the number of samples in the plan.
func (r *Reader) ReadScores(
	ctx context.Context, plan *Plan, number int, use func(file []byte) (rows int, err error),
) error {
	file, err := bucket.ReadAll(ctx, r.work, RangeScoresName(plan.Run, number))
	if err != nil {
		return r.unreadScores(plan, number, err)
	}
	rows, err := use(file)
	return r.checkScores(plan, number, rows, err)
}

// ReadScoreParts is ReadScores for a use that reads only parts of the file. use returns -1 if it does not know the
// number of rows.
func (r *Reader) ReadScoreParts(
	ctx context.Context, plan *Plan, number int, use func(at io.ReaderAt, size int64) (rows int, err error),
) error {
	object, size, err := bucket.OpenAt(ctx, r.work, RangeScoresName(plan.Run, number))
	if err != nil {
		return r.unreadScores(plan, number, err)
	}
	at := &remembering{ReaderAt: object}
	rows, err := use(at, size)
	if unread := at.failed(); unread != nil { // and the content may be whole
		return r.unreadScores(plan, number, unread)
	}
	return r.checkScores(plan, number, rows, err)
}

// ReadNumbers reads columns of the numeric fields of a range's records. It returns nil if an earlier version of Harvest
// cut the range.
func (r *Reader) ReadNumbers(ctx context.Context, plan *Plan, number int, names ...string) (*scores.Numbers, error) {
	numbers, err := ReadNumbersOf(ctx, r.work, numbersName(plan.Run, number), names...)
	return numbers, r.Lost(plan.Run, err)
}

// ReadNumbersOf reads columns of an object of numbers. It returns nil if the object does not exist, and a
// bucket.ErrDamaged if the object is not a file of numbers.
func ReadNumbersOf(
	ctx context.Context, work bucket.Reader, name string, columns ...string,
) (*scores.Numbers, error) {
	object, size, err := bucket.OpenAt(ctx, work, name)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	at := &remembering{ReaderAt: object}
	numbers, err := scores.ReadNumbers(at, size, columns...)
	if unread := at.failed(); unread != nil { // and the content may be whole
		return nil, fmt.Errorf("reading %s: %w", name, unread)
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err)
	}
	return numbers, nil
}

// unreadScores returns the error for a failure to read the scores of a range from the bucket.
func (r *Reader) unreadScores(plan *Plan, number int, err error) error {
	return r.Lost(plan.Run, fmt.Errorf("reading %s: %w", RangeScoresName(plan.Run, number), err))
}

// checkScores returns an error if reading a range's scores failed with err, or if their number of rows is wrong.
func (r *Reader) checkScores(plan *Plan, number, rows int, err error) error {
	planned := plan.RangeSamples(number)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", bucket.ErrDamaged, err)
	case rows >= 0 && int64(rows) != planned:
		err = fmt.Errorf("%w: it has %d samples, but the plan has %d", bucket.ErrDamaged, rows, planned)
	default:
		return nil
	}
	return r.unreadScores(plan, number, err)
}

// A remembering reader remembers the first error of the bucket, because a decoder may report it as a fault of the
// content.
type remembering struct {
	io.ReaderAt
	mu    sync.Mutex
	first error
}

// ReadAt implements io.ReaderAt.
func (r *remembering) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.first == nil {
			r.first = err
		}
	}
	return n, err
}

func (r *remembering) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// Scores returns the records of a scored range. The error is bucket.ErrNotExist if the range is not scored. The records
// are shared: do not change them.
func (r *Reader) Scores(ctx context.Context, run string, number int) (*scores.Table, error) {
	name := RangeScoresName(run, number)
	return r.tables.Get(ctx, name, func(ctx context.Context) (*scores.Table, error) {
		file, err := r.scoreFile(ctx, run, number)
		if err != nil {
			return nil, err
		}
		return parseScores(name, file)
	})
}

// readTable reads the scores of a range or a shard, which must exist. It does not cache them, because they are read
// only once.
func (r *Reader) readTable(ctx context.Context, run, name string) (*scores.Table, error) {
	file, err := bucket.ReadAll(ctx, r.work, name)
	if err != nil {
		return nil, r.Lost(run, err)
	}
	table, err := parseScores(name, file)
	return table, r.Lost(run, err)
}

func parseScores(name string, file []byte) (*scores.Table, error) {
	table, err := scores.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err)
	}
	return table, nil
}
