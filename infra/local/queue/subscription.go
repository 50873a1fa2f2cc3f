package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
)

// A Push delivers a message, which it must not change. It returns the HTTP status of the answer, or an error if there
// was no answer. 2xx acknowledges the message. events.StatusMachineFault stops the queue with the returned error. After
// any other status the message is redelivered. A Push must return soon after ctx ends.
type Push func(ctx context.Context, envelope events.Envelope) (status int, err error)

// A Retry is a policy of redelivery.
type Retry struct {
	// Min is the pause after a message's first failure. The pause doubles after each failure, up to Max.
	Min, Max time.Duration
}

// Faults are faults of Pub/Sub. Shares are between 0 and 1; the zero value has no faults. Faults of an endpoint are in
// queuetest.Endpoint.
type Faults struct {
	Duplicate float64       // share of messages that arrive twice; the copies may be delivered concurrently
	Loss      float64       // share of messages that never arrive
	Late      float64       // share of acknowledged messages that are delivered once more
	LateAfter time.Duration // the late delivery comes after 1 to 2 times this duration
	Reorder   bool          // a random waiting message is delivered next, instead of the oldest
}

// A Subscription is a subscription as in shared/events, with the settings of its delivery.
type Subscription struct {
	events.Subscription
	Push   Push
	Slots  int // maximum number of concurrent calls of Push
	Retry  Retry
	Faults Faults
}

func (s Subscription) validate() error {
	switch {
	case s.Name == "" || !slices.Contains(events.Topics(), s.Topic):
		return fmt.Errorf("it needs a name and one of the topics %q", events.Topics())
	case s.Push == nil || s.Slots < 1:
		return errors.New("it needs a push function and at least one slot")
	case s.Retry.Min <= 0 || s.Retry.Max < s.Retry.Min:
		return fmt.Errorf("the policy of redelivery %+v needs 0 < Min <= Max", s.Retry)
	}
	return nil
}

// Stats has the counts of a subscription.
type Stats struct {
	// Outstanding is the number of deliveries that wait, run, or pause after a failure. MostOutstanding is the highest
	// number so far.
	Outstanding, MostOutstanding int
	Arrived                      int // messages that passed the filter, including lost messages
	Pushed                       int // number of calls of Push
	Acknowledged, Expired        int // deliveries that were acknowledged, and that expired
	Unanswered                   int // pushes without an answer by their deadline
	Duplicated, Lost, Late       int // numbers of faults
}

// A subscription delivers the messages of a topic that pass its filter.
type subscription struct {
	Subscription
	queue   *Queue
	filter  events.Filter
	waiting []*delivery // due now, the oldest first
	running int         // number of calls of Push now
	stats   Stats
}

// A delivery is a message of one subscription, with its attempts.
type delivery struct {
	id        string
	message   events.Message
	published time.Time
	attempts  int
	pause     time.Duration // pause after the next failure
	repeated  bool          // repeated by a fault; a message is repeated only once
}

// receive accepts a new message, and applies faults.
func (s *subscription) receive(d delivery) {
	s.stats.Arrived++
	if s.queue.chance(s.Faults.Loss) {
		s.stats.Lost++
		return
	}
	if s.queue.chance(s.Faults.Duplicate) {
		s.stats.Duplicated++
		s.repeat(d)
	}
	s.add(&d)
}

// repeat delivers a message once more, from its first attempt.
func (s *subscription) repeat(d delivery) {
	d.repeated, d.attempts, d.pause = true, 0, s.Retry.Min
	s.add(&d)
}

func (s *subscription) add(d *delivery) {
	s.stats.Outstanding++
	s.stats.MostOutstanding = max(s.stats.MostOutstanding, s.stats.Outstanding)
	s.enqueue(d)
}

func (s *subscription) enqueue(d *delivery) {
	s.waiting = append(s.waiting, d)
	s.dispatch()
}

// dispatch pushes waiting messages while there are free slots.
func (s *subscription) dispatch() {
	for len(s.waiting) > 0 && s.running < s.Slots && s.queue.ctx.Err() == nil {
		d := s.next()
		if s.queue.clock.Now().Sub(d.published) > Retention {
			s.stats.Expired++
			s.stats.Outstanding--
			s.queue.log.Error("message expired", "subscription", s.Name, "message", d.id, "attempts", d.attempts)
			continue
		}
		s.push(d)
	}
}

// next removes and returns a waiting delivery.
func (s *subscription) next() *delivery {
	if s.Faults.Reorder {
		i := s.queue.random.IntN(len(s.waiting))
		s.waiting[0], s.waiting[i] = s.waiting[i], s.waiting[0]
	}
	d := s.waiting[0]
	s.waiting[0] = nil // for the garbage collector
	s.waiting = s.waiting[1:]
	return d
}

// push delivers a message once.
func (s *subscription) push(d *delivery) {
	q := s.queue
	s.running++
	s.stats.Pushed++
	d.attempts++
	envelope := events.Envelope{
		DeliveryAttempt: d.attempts, Subscription: "projects/harvest-local/subscriptions/" + s.Name,
	}
	envelope.Message.MessageID = d.id
	envelope.Message.Data, envelope.Message.Attributes = d.message.Data, d.message.Attributes
	ctx, cancel := context.WithCancel(q.ctx)
	over := false // set by the answer or the deadline, under the mutex: only the first of them counts
	stop := q.after(AckDeadline, func() {
		if over {
			return
		}
		over = true
		s.stats.Unanswered++
		q.log.Warn("delivery not answered in time", "subscription", s.Name, "message", d.id, "attempt", d.attempts)
		cancel()
		s.settle(d, false)
	})
	q.pushes.Add(1)
	q.clock.Go(func() {
		defer q.pushes.Done()
		status, err := s.Push(ctx, envelope)
		stop()
		cancel()
		q.mu.Lock()
		defer q.mu.Unlock()
		s.running--
		switch {
		case over || q.ctx.Err() != nil:
		case status == events.StatusMachineFault:
			q.fault = cmp.Or(err, errFault)
			q.stop()
		default:
			s.settle(d, err == nil && status/100 == 2)
		}
		over = true
		s.dispatch()
	})
}

// settle acknowledges a message, or redelivers it after a pause.
func (s *subscription) settle(d *delivery, acknowledged bool) {
	if !acknowledged {
		pause := d.pause
		d.pause = min(2*pause, s.Retry.Max)
		s.queue.after(pause, func() { s.enqueue(d) })
		return
	}
	s.stats.Outstanding--
	s.stats.Acknowledged++
	if !d.repeated && s.queue.chance(s.Faults.Late) {
		s.stats.Late++
		after := time.Duration((1 + s.queue.random.Float64()) * float64(s.Faults.LateAfter))
		s.queue.after(after, func() { s.repeat(*d) })
	}
}
