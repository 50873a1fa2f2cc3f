package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	// longestDelivery is the longest duration of a delivery. If a delivery began earlier, it has ended, or its process has
	// ended.
	longestDelivery = 10 * time.Minute
	// maxAttempts is the number of attempts at a task in a wave that may fail or end with their process. Then the task
	// becomes a dead letter. Waiting for a scorer is not an attempt.
	maxAttempts = 20
	// aloneFrom is the number of attempts at a shard that must have ended with their process before the shard's samples
	// are rated one by one.
	aloneFrom = 2
)

// Extensions of the object that records how an attempt ended. There is no such object if the attempt ended with its
// process, or wrote the task's result.
const (
	endDone   = ".done"   // a step of planning was done; the object has the next step
	endFailed = ".failed" // the attempt failed with an error
	endWaited = ".waited" // the attempt could not begin: the scorer did not answer, or the process was stopped
)

// An attempt is a delivery that works on a task and holds a lease on it.
type attempt struct {
	Delivery string    `json:"delivery"` // the message's id
	Process  string    `json:"process"`  // see WorkerConfig.Process
	Nonce    string    `json:"nonce"`    // identifies the attempt if the answer to its creation is lost
	Until    time.Time `json:"until"`    // the time at which the attempt has ended

	name string
	// died is the number of earlier attempts, in all waves, that ended with their process. spent is the number of attempts
	// of this wave that ended with their process or failed.
	died, spent int
}

// ErrSameDelivery is the error of a delivery while an earlier delivery of the same message is still working.
var ErrSameDelivery = errors.New("an earlier delivery of this message is still working")

// An attempted is the work of attempts: a task of a run, or a step of planning a run.
type attempted struct {
	label  string // names the work and its run in errors
	prefix string // begins the names of all attempts at the work
	wave   int    // 0 for a step of planning
}

// attempted returns the task as the work of attempts in a wave.
func (t task) attempted(run string, wave *Wave) attempted {
	return attempted{fmt.Sprintf("%s of run %s", t, run), attemptsPrefix(run, t), wave.Number}
}

// name returns the name of the object of an attempt of the wave. A second object, with an extension, records how the
// attempt ended.
func (o attempted) name(number string) string {
	return fmt.Sprintf("%s%d.%s", o.prefix, o.wave, number)
}

// attempt acquires the lease on some work. It returns nil if another delivery holds the lease and does the work.
func (w *Worker) attempt(ctx context.Context, of attempted, delivery string) (*attempt, error) {
	mine := attempt{
		Delivery: delivery, Process: w.process.ID, Nonce: rand.Text(), Until: w.now().UTC().Add(longestDelivery),
	}
	open, last, err := w.earlier(ctx, of, &mine)
	if err != nil {
		return nil, err
	}
	for _, name := range open {
		var other attempt
		if err := bucket.ReadJSON(ctx, w.work, name, &other); err != nil {
			return nil, err
		}
		switch {
		case !w.lives(other):
			mine.died++
			if strings.HasPrefix(name, of.name("")) {
				mine.spent++
			}
		case other.Delivery == delivery:
			return nil, fmt.Errorf("%s: %w", of.label, ErrSameDelivery)
		default:
			return nil, nil
		}
	}
	mine.name = of.name(strconv.Itoa(last + 1))
	created, err := bucket.CreateJSON(ctx, w.work, mine.name, mine)
	if err != nil {
		return nil, errors.Join(err, w.endUnanswered(ctx, &mine, err))
	} else if created {
		return &mine, nil
	}
	// Another delivery was faster, or the answer to an earlier try of this creation was lost.
	var held attempt
	if err := bucket.ReadJSON(ctx, w.work, mine.name, &held); err != nil {
		return nil, err
	}
	switch {
	case held.Nonce == mine.Nonce:
		return &mine, nil
	case held.Delivery == delivery:
		return nil, fmt.Errorf("%s: %w", of.label, ErrSameDelivery)
	default:
		return nil, nil
	}
}

// earlier lists the attempts. It returns the names of attempts without a recorded end, and the highest number of an
// attempt in this wave. It adds the failed attempts of this wave to mine.spent.
func (w *Worker) earlier(ctx context.Context, of attempted, mine *attempt) ([]string, int, error) {
	open, last := []string{}, 0
	for attrs, err := range w.work.List(ctx, of.prefix, "") {
		if err != nil {
			return nil, 0, fmt.Errorf("listing the attempts at %s: %w", of.label, err)
		}
		wave, rest, _ := strings.Cut(attrs.Name[len(of.prefix):], ".")
		number, end, _ := strings.Cut(rest, ".")
		if end == "" {
			open = append(open, attrs.Name)
		} else if n := len(open); n > 0 && open[n-1] == strings.TrimSuffix(attrs.Name, "."+end) {
			open = open[:n-1] // in a listing, the object that records an end directly follows its attempt
		}
		if wave != strconv.Itoa(of.wave) {
			continue
		}
		if "."+end == endFailed {
			mine.spent++
		}
		if n, err := strconv.Atoi(number); err == nil {
			last = max(last, n)
		}
	}
	return open, last, nil
}

// errDied is the reason of a dead letter whose last attempt ended with its process.
var errDied = errors.New("the process ended during the attempt; its log may have the reason, such as too little memory")

// try makes an attempt at a task by calling do. settled is true if the task is done or became a dead letter; why is the
// reason for the dead letter. If another delivery works on the task, settled is false and err is nil.
func (w *Worker) try(
	ctx context.Context, plan *Plan, wave *Wave, t task, delivery string, do func(*attempt) error,
) (settled bool, why string, err error) {
	a, err := w.attempt(ctx, t.attempted(plan.Run, wave), delivery)
	if a == nil || err != nil {
		return false, "", err
	}
	err = errDied
	if a.spent < maxAttempts {
		if err = do(a); err == nil {
			return true, "", nil
		}
	}
	final, ended := w.endFailed(ctx, a, err)
	if ended != nil {
		return false, "", errors.Join(err, ended)
	}
	if handed := w.handOver(ctx, plan, wave, t); handed != nil {
		return false, "", errors.Join(err, handed)
	}
	if !final {
		return false, "", err
	}
	return true, err.Error(), w.giveUpTask(ctx, plan, wave, t, a.spent, err.Error())
}

// endFailed records that an attempt failed, and reports whether it was the last attempt.
func (w *Worker) endFailed(ctx context.Context, a *attempt, cause error) (final bool, err error) {
	if errors.Is(cause, scorer.ErrUnavailable) || errors.Is(ctx.Err(), context.Canceled) {
		return false, w.end(ctx, a, endWaited, cause)
	}
	if a.spent < maxAttempts {
		a.spent++
	}
	// A lost object stays lost: further attempts would fail, too.
	_, lost := errors.AsType[*bucket.LostError](cause)
	return lost || a.spent >= maxAttempts, w.end(ctx, a, endFailed, cause)
}

// handOver publishes a task again if another wave began during an attempt that failed. When the wave began, the task
// was not published, because the attempt held the lease. The attempt's own message belongs to the earlier wave, so it
// is no longer useful.
func (w *Worker) handOver(ctx context.Context, plan *Plan, wave *Wave, t task) error {
	present, err := w.laterWave(ctx, plan.Run)
	if err != nil || present.Number == wave.Number {
		return err
	}
	name, err := w.sentBy(ctx, plan, present, t)
	if err != nil {
		return err
	}
	if due, err := w.due(ctx, plan, present, t, name); err != nil || !due {
		return err
	}
	return w.publishOnce(ctx, plan, present, t, name)
}

// atWork reports whether a delivery works on a task.
func (w *Worker) atWork(ctx context.Context, run string, wave *Wave, t task) (bool, error) {
	open, _, err := w.earlier(ctx, t.attempted(run, wave), new(attempt))
	if err != nil {
		return false, err
	}
	for _, name := range open {
		var a attempt
		if err := bucket.ReadJSON(ctx, w.work, name, &a); err != nil || w.lives(a) {
			return err == nil, err
		}
	}
	return false, nil
}

// lives reports whether an attempt without a recorded end may still be working.
func (w *Worker) lives(a attempt) bool {
	return w.now().Before(a.Until) && !w.process.ended(a.Process)
}

// endUnanswered records the end of an attempt whose creation returned an error, if the attempt was created anyway.
func (w *Worker) endUnanswered(ctx context.Context, a *attempt, cause error) error {
	var held attempt
	err := bucket.ReadJSON(context.WithoutCancel(ctx), w.work, a.name, &held)
	if err != nil || held.Nonce != a.Nonce {
		return nil
	}
	return w.end(ctx, a, endWaited, cause)
}

// end records how an attempt ended, and its error if it failed, even if the delivery is cancelled.
func (w *Worker) end(ctx context.Context, a *attempt, how string, cause error) error {
	said := map[string]string{}
	if cause != nil {
		said["error"] = cause.Error()
	}
	_, err := bucket.CreateJSON(context.WithoutCancel(ctx), w.work, a.name+how, said)
	return err
}
