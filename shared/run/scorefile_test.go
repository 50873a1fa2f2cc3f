package run_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
)

// An awayBucket finds its objects, but temporarily cannot read them.
type anAway struct{ bucket.Bucket }

var errAway = errors.New("503 Service Unavailable")

func (anAway) Open(context.Context, string, int64, int64, int64) (io.ReadCloser, error) {
	return nil, errAway
}

// TestScoresAway reads the scores of a range from an unreachable bucket. The run does not count as damaged. A file with
// another number of rows does.
func TestScoresAway(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 3)))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	reader, err := run.NewReader(anAway{f.Work}, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	ids := func(at io.ReaderAt, size int64) (int, error) {
		ids, err := scores.ReadIDs(at, size)
		return len(ids), err
	}
	err = reader.ReadScoreParts(t.Context(), plan, 0, ids)
	if _, lost := errors.AsType[*bucket.LostError](err); lost || !errors.Is(err, errAway) {
		t.Errorf("error %v, want the error of the bucket", err)
	}
	if err := f.Runs.ReadScoreParts(t.Context(), plan, 0, ids); err != nil {
		t.Error(err)
	}
	for _, rows := range []int{2, 3} {
		err := f.Runs.ReadScores(t.Context(), plan, 0, func([]byte) (int, error) { return rows, nil })
		if _, lost := errors.AsType[*bucket.LostError](err); lost != (rows != 3) {
			t.Errorf("with %d rows the error is %v", rows, err)
		}
	}
}
