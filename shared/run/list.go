package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"golang.org/x/sync/errgroup"
)

// A Listed is a run in a list.
type Listed struct {
	*Status            // without progress
	Accepted time.Time // when the run was first accepted
	Done     int64     // number of samples that are scored, failed or skipped; an estimate until the run is scored
	InFlight int64     // estimated number of samples of shards that are being scored, as in Progress
}

// listedNames is the largest number of names in the index that are read for a page of a list. The index also has names
// of other accepted requests.
const listedNames = 1000

// List returns a page of runs, the latest accepted run first. The page has at most size runs, 1 or more, after the
// cursor. An empty cursor starts at the first run. List also returns the cursor of the next page; empty after the last
// run. A page may have fewer runs even if others follow. The cost does not depend on the number of runs.
func (r *Reader) List(ctx context.Context, cursor string, size int) ([]Listed, string, error) {
	entries, next, err := r.acceptedRuns(ctx, cursor, size)
	if err != nil {
		return nil, "", err
	}
	ids := make([]string, len(entries))
	accepted := make(map[string]time.Time, len(entries))
	for i, e := range entries {
		ids[i], accepted[e.run] = e.run, e.at
	}
	outlines, err := r.Outlines(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	listed := make([]Listed, len(outlines))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, st := range outlines {
		group.Go(func() (err error) {
			listed[i] = Listed{Status: st, Accepted: accepted[st.Run]}
			listed[i].Done, listed[i].InFlight, err = r.samplesDone(ctx, st)
			return err
		})
	}
	return listed, next, group.Wait()
}

// An acceptedRun is the entry of a run in the index.
type acceptedRun struct {
	run string
	at  time.Time
}

// entryPattern is the pattern of the names of entries: a reverse time, and the name of the accepted work.
var entryPattern = regexp.MustCompile(`^([0-9]{19})-([A-Za-z0-9][A-Za-z0-9._-]*)$`)

// These patterns distinguish entries of runs from entries of selections and requests. A dataset's name may make its run
// look like a request of another run, so an entry that matches is read.
var (
	ofSelection = regexp.MustCompile(`\.[0-9a-f]{12}$`)
	ofRequest   = regexp.MustCompile(`\.(request|images)-[^.]*$`)
)

// acceptedRuns returns a page of the runs in the index, and the cursor of the next one.
func (r *Reader) acceptedRuns(
	ctx context.Context, cursor string, size int,
) (runs []acceptedRun, next string, err error) {
	looked, last := 0, cursor
	for attrs, err := range r.work.List(ctx, acceptedPrefix, join(acceptedPrefix, cursor)) {
		if err != nil {
			return nil, "", fmt.Errorf("listing runs: %w", err)
		}
		if len(runs) == size || looked == listedNames {
			return runs, last, nil
		}
		looked++
		last = strings.TrimPrefix(attrs.Name, acceptedPrefix)
		parts := entryPattern.FindStringSubmatch(last)
		if parts == nil || ofSelection.MatchString(last) {
			continue
		}
		if ofRequest.MatchString(last) {
			var e Entry
			if err := bucket.ReadJSON(ctx, r.work, attrs.Name, &e); err != nil {
				return nil, "", err
			}
			if e.Run != parts[2] {
				continue
			}
		}
		reverse, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			continue // not an entry of Harvest, because it has no time
		}
		runs = append(runs, acceptedRun{run: parts[2], at: time.Unix(0, math.MaxInt64-reverse).UTC()})
	}
	return runs, "", nil
}

// samplesDone estimates how many samples of a run are scored, failed or skipped, and how many are being scored. It
// takes few requests for a run of any size: it takes the size of scored ranges from the plan, and counts every other
// shard as a full one.
func (r *Reader) samplesDone(ctx context.Context, st *Status) (done, inFlight int64, err error) {
	switch st.State {
	case StateScored, StateFailed:
		return st.Samples.In, 0, nil
	case StateScoring, StateStalled, StateCancelled:
	default:
		return 0, 0, nil
	}
	plan, err := r.Plan(ctx, st.Run)
	if errors.Is(err, ErrPlanning) || errors.Is(err, ErrNoRun) {
		return 0, 0, nil // the run was cancelled before it had a plan, or was removed in the meantime
	} else if err != nil {
		return 0, 0, err
	}
	gathered, err := bucket.Numbers(ctx, r.work, scoresPrefix(st.Run), ".parquet")
	if err != nil {
		return 0, 0, err
	}
	var open []int
	for number := range plan.Ranges {
		if gathered[number] {
			done += plan.RangeSamples(number)
		} else {
			open = append(open, number)
		}
	}
	rated, err := r.ratedShards(ctx, st.Run, open)
	if err != nil {
		return 0, 0, err
	}
	begun, err := r.begunShards(ctx, st.Run, open)
	for _, number := range open {
		of := plan.RangeSamples(number)
		ended := min(int64(len(rated[number])*plan.Constants.ShardSamples), of)
		done += ended
		working := slices.DeleteFunc(begun[number], func(shard int) bool { return slices.Contains(rated[number], shard) })
		inFlight += min(int64(len(working)*plan.Constants.ShardSamples), of-ended)
	}
	return done, inFlight, err
}
