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
	// longestDelivery is how long a delivery may take: one that is older has ended, with its process if not by itself.
	longestDelivery = 10 * time.Minute
	// maxAttempts is how many attempts at a task may fail in a wave, or end with their process, before it becomes a dead
	// letter. Waiting for a scorer is not an attempt.
	maxAttempts = 20
	// aloneFrom is how many attempts at a shard must have ended with their process before its samples are rated one by
	// one.
	aloneFrom = 2
)

// How attempts ended that did not end with their process. An attempt that wrote the task's result needs no such object.
const (
	endDone   = ".done"   // a step of planning, with the step that follows
	endFailed = ".failed" // by an error
	endWaited = ".waited" // it could not begin: the scorer did not answer, or the process was stopped
)

// An attempt is a delivery that works on a task and holds a lease on it.
type attempt struct {
	Delivery string    `json:"delivery"` // the message's id
	Process  string    `json:"process"`  // see WorkerConfig.Process
	Nonce    string    `json:"nonce"`    // distinguishes an attempt from others, if the answer to its creation is lost
	Until    time.Time `json:"until"`    // it has ended then

	name string
	// died counts earlier attempts, in all waves, that ended with their process. spent counts those of this wave that
	// ended with their process or by an error.
	died, spent int
}

// ErrSameDelivery is the error of a second delivery of a message whose first one is at work.
var ErrSameDelivery = errors.New("an earlier delivery of this message is at work")

// An attempted is the object of attempts: a task of a run, or a step of planning a run.
type attempted struct {
	label  string // names it and its run in errors
	prefix string // begins the names of all attempts at it
	wave   int    // 0 for a step of planning
}

// attempted describes the task for attempts in a wave.
func (t task) attempted(run string, wave *Wave) attempted {
	return attempted{fmt.Sprintf("%s of run %s", t, run), attemptsPrefix(run, t), wave.Number}
}

// name is an attempt of the wave; an object next to it says that it ended by itself.
func (o attempted) name(number string) string {
	return fmt.Sprintf("%s%d.%s", o.prefix, o.wave, number)
}

// attempt takes the lease of what is attempted. It is nil if another delivery holds the task, and so does the work.
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

// earlier lists the attempts. It returns the names of those without an end, and the highest number in this wave. In
// mine it counts the failed attempts of this wave.
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
			open = open[:n-1] // the attempt whose end this is: its name comes right before
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
var errDied = errors.New("the process ended during the attempt; its log may say why, such as too little memory")

// try makes an attempt at a task by do, and reports whether the task is settled: it is done, or given up.
// If it is given up, why says so. It is not settled, and there is no error, if another delivery is at work on it.
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

// endFailed ends an attempt that ended by an error, and reports whether it was the last one.
func (w *Worker) endFailed(ctx context.Context, a *attempt, cause error) (final bool, err error) {
	if errors.Is(cause, scorer.ErrUnavailable) || errors.Is(ctx.Err(), context.Canceled) {
		return false, w.end(ctx, a, endWaited, cause)
	}
	if a.spent < maxAttempts {
		a.spent++
	}
	// A lost object does not come back: further attempts would fail too.
	_, lost := errors.AsType[*bucket.LostError](cause)
	return lost || a.spent >= maxAttempts, w.end(ctx, a, endFailed, cause)
}

// handOver publishes a task in the wave that began while an attempt of an earlier one failed: the attempt held the
// task, so it was not published then, and the message of the attempt is of no use now.
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

// atWork reports whether a delivery is at work on a task.
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

// lives reports whether an attempt that has not ended by itself may still be at work.
func (w *Worker) lives(a attempt) bool {
	return w.now().Before(a.Until) && !w.process.ended(a.Process)
}

// endUnanswered ends an attempt if it was created, though the answer to that was an error.
func (w *Worker) endUnanswered(ctx context.Context, a *attempt, cause error) error {
	var held attempt
	err := bucket.ReadJSON(context.WithoutCancel(ctx), w.work, a.name, &held)
	if err != nil || held.Nonce != a.Nonce {
		return nil
	}
	return w.end(ctx, a, endWaited, cause)
}

// end says that an attempt ended by itself, and by which error if it did, even when its delivery is cancelled.
func (w *Worker) end(ctx context.Context, a *attempt, how string, cause error) error {
	said := map[string]string{}
	if cause != nil {
		said["error"] = cause.Error()
	}
	_, err := bucket.CreateJSON(context.WithoutCancel(ctx), w.work, a.name+how, said)
	return err
}
