package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// GraceTime is the time that a published task may wait for a delivery. Then it is published again.
const GraceTime = longestDelivery

// shardGraceTime is the GraceTime of shards, which wait for a scorer. With 16 shards in flight, of which two are scored
// concurrently for four minutes each, a shard waits half an hour, and another half hour for each other run. If a
// waiting message were published again, its copy would wait, too, and the queue would grow.
const shardGraceTime = 6 * time.Hour

// A Republisher records publications, and decides whether to publish a task again because its message may be lost.
type Republisher struct {
	Work    bucket.Bucket
	Process Process
	Now     func() time.Time
}

// A sent is the content of an object that records that a message was published.
type sent struct {
	Message string    `json:"message"`
	Process string    `json:"process"`
	At      time.Time `json:"at"`
}

// Sent creates the object that records that a message was published, unless it exists.
func (p Republisher) Sent(ctx context.Context, name, message string) error {
	_, err := bucket.CreateJSON(ctx, p.Work, name, sent{message, p.Process.ID, p.Now().UTC()})
	return err
}

// Due reports whether a message without a result should be published now. This is so in three cases: the object first
// does not exist, because the message was never published; the queue of the message ended with the process that
// published it; or the last publication was longer ago than grace. grace doubles each time, because a queue rarely
// loses messages. If the message is due again, Due records this in an object below again.
func (p Republisher) Due(ctx context.Context, first, again string, grace time.Duration) (bool, error) {
	var last sent
	err := bucket.ReadJSON(ctx, p.Work, first, &last)
	if errors.Is(err, bucket.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	times, err := bucket.Numbers(ctx, p.Work, again, "")
	if err != nil {
		return false, err
	}
	if n := len(times); n > 0 {
		if err := bucket.ReadJSON(ctx, p.Work, fmt.Sprintf("%s%d", again, n-1), &last); err != nil {
			return false, err
		}
	}
	if !p.Process.ended(last.Process) && p.Now().Sub(last.At) < grace<<min(len(times), 10) {
		return false, nil
	}
	next := sent{last.Message, p.Process.ID, p.Now().UTC()}
	return bucket.CreateJSON(ctx, p.Work, fmt.Sprintf("%s%d", again, len(times)), next)
}
