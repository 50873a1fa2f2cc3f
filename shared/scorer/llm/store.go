package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// root is where answers lie in the work bucket.
const root = "answers/"

func answerName(hash string) string     { return root + hash + ".json" }
func faultName(run, hash string) string { return root + "faults/" + run + "/" + hash + ".json" }
func paidPrefix(run string) string      { return root + "paid/" + run + "/" }
func reservedPrefix(run string) string  { return root + "reserved/" + run + "/" }

// A payment is the name of all requests for one answer by one process: an answer that was lost, or that two processes
// asked for at the same time, is paid for again.
type payment string

func newPayment(hash string) payment { return payment(fmt.Sprintf("%s-%08x", hash, rand.Uint32())) }

// paidName is the receipt of a run for a payment, reservedName what it can cost at most, before it is made. The cost,
// in billionths of a dollar, is in the name, so that what the run has spent is the sum of listings: of receipts, and
// of reservations without one, whose process was killed.
func paidName(run string, p payment, dollars float64) string {
	return fmt.Sprintf("%s%s-%d", paidPrefix(run), p, nanodollars(dollars))
}

func reservedName(run string, p payment, dollars float64) string {
	return fmt.Sprintf("%s%s-%d", reservedPrefix(run), p, nanodollars(dollars))
}

func nanodollars(dollars float64) int64 { return int64(dollars*1e9 + 0.5) }

// An answerStore keeps answers and receipts in the work bucket. One without a bucket keeps none.
type answerStore struct{ work bucket.Bucket }

// find returns an answer that there is already; nil if there is none.
func (s answerStore) find(ctx context.Context, run, hash string) (*Answer, error) {
	if s.work == nil {
		return nil, nil
	}
	names := []string{answerName(hash)}
	if run != "" {
		names = append(names, faultName(run, hash))
	}
	for _, name := range names {
		a, err := s.load(ctx, name)
		if a != nil || err != nil {
			return a, err
		}
	}
	return nil, nil
}

func (s answerStore) load(ctx context.Context, name string) (*Answer, error) {
	body, err := s.work.Open(ctx, name, 0, 0, -1)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer body.Close()
	var a Answer
	if err := json.NewDecoder(body).Decode(&a); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &a, nil
}

// add stores an answer and its receipt, and returns the stored answer, which is the first one. The receipt comes
// first: what was paid for is counted even where the answer is lost.
func (s answerStore) add(ctx context.Context, hash string, p payment, a *Answer) (*Answer, error) {
	if s.work == nil {
		return a, nil
	}
	if err := s.addReceipt(ctx, p, a); err != nil {
		return nil, err
	}
	name := answerName(hash)
	if a.Fault != nil {
		if a.Run == "" {
			return a, nil
		}
		name = faultName(a.Run, hash)
	}
	written, err := s.create(ctx, name, a)
	if written || err != nil {
		return a, err
	}
	return s.load(ctx, name)
}

// reserve records what a payment of a run can cost.
func (s answerStore) reserve(ctx context.Context, run string, p payment, dollars float64) error {
	if s.work == nil || run == "" || dollars == 0 {
		return nil
	}
	_, err := s.create(ctx, reservedName(run, p, dollars), struct{}{})
	return err
}

// addReceipt records what a run paid, also for an answer that was never completed, and nothing at all: it ends the
// reservation.
func (s answerStore) addReceipt(ctx context.Context, p payment, a *Answer) error {
	if s.work == nil || a.Run == "" || a.Dollars == nil {
		return nil
	}
	_, err := s.create(ctx, paidName(a.Run, p, *a.Dollars), a.Usage)
	return err
}

func (s answerStore) create(ctx context.Context, name string, v any) (bool, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("encoding %s: %w", name, err)
	}
	err = s.work.Create(ctx, name, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(append(data, '\n')))
		return err
	})
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return false, fmt.Errorf("writing %s: %w", name, err)
	}
	return err == nil, nil
}

// spent is the sum of a run's receipts and of its reservations without one, in dollars. Payments for which without is
// true are left out.
func (s answerStore) spent(ctx context.Context, run string, without func(payment) bool) (float64, error) {
	if s.work == nil {
		return 0, nil
	}
	costs := map[payment]int64{}
	// A receipt is written after its reservation, and takes its place.
	for _, prefix := range []string{reservedPrefix(run), paidPrefix(run)} {
		for attrs, err := range s.work.List(ctx, prefix, "") {
			if err != nil {
				return 0, fmt.Errorf("adding up what run %s has spent: %w", run, err)
			}
			name := strings.TrimPrefix(attrs.Name, prefix)
			dash := max(strings.LastIndexByte(name, '-'), 0)
			cost, err := strconv.ParseInt(strings.TrimPrefix(name[dash:], "-"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("adding up what run %s has spent: %s is no receipt", run, attrs.Name)
			}
			costs[payment(name[:dash])] = cost
		}
	}
	var sum int64
	for p, cost := range costs {
		if !without(p) {
			sum += cost
		}
	}
	return float64(sum) / 1e9, nil
}

// Spent is what a run has paid, in US dollars, as far as prices were known, and the most that requests can have cost
// that are in flight or whose process was killed. work is the bucket that keeps its answers.
func Spent(ctx context.Context, work bucket.Bucket, run string) (float64, error) {
	return answerStore{work}.spent(ctx, run, func(payment) bool { return false })
}
