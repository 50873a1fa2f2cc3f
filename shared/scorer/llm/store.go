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

// root is the prefix of the names of answers in the work bucket.
const root = "answers/"

func answerName(hash string) string     { return root + hash + ".json" }
func faultName(run, hash string) string { return root + "faults/" + run + "/" + hash + ".json" }
func paidPrefix(run string) string      { return root + "paid/" + run + "/" }
func reservedPrefix(run string) string  { return root + "reserved/" + run + "/" }

// A payment identifies all requests of one process for one answer. If an answer is lost, or if two processes request it
// at the same time, it is paid for again, with another payment.
type payment string

func newPayment(hash string) payment { return payment(fmt.Sprintf("%s-%08x", hash, rand.Uint32())) }

// paidName returns the name of a run's receipt for a payment. reservedName returns the name of the reservation, which
// is written before the requests and has their highest cost. Both names contain the amount in billionths of a dollar.
// So the spending can be summed from a listing. All receipts count. A reservation counts if it has no receipt, because
// its process may have been killed.
func paidName(run string, p payment, dollars float64) string {
	return fmt.Sprintf("%s%s-%d", paidPrefix(run), p, nanodollars(dollars))
}

func reservedName(run string, p payment, dollars float64) string {
	return fmt.Sprintf("%s%s-%d", reservedPrefix(run), p, nanodollars(dollars))
}

func nanodollars(dollars float64) int64 { return int64(dollars*1e9 + 0.5) }

// An answerStore stores answers and receipts in the work bucket. Without a bucket it stores nothing.
type answerStore struct{ work bucket.Bucket }

// find returns a stored answer; nil if no answer is stored.
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

// add stores a receipt and then the answer. It returns the stored answer, which may be an earlier answer. The receipt
// is stored first, so that the payment counts even if the answer is lost.
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

// reserve records the highest cost of a payment of a run.
func (s answerStore) reserve(ctx context.Context, run string, p payment, dollars float64) error {
	if s.work == nil || run == "" || dollars == 0 {
		return nil
	}
	_, err := s.create(ctx, reservedName(run, p, dollars), struct{}{})
	return err
}

// addReceipt records the cost of a payment, even if there is no complete answer, or if it cost nothing. The receipt
// replaces the reservation.
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

// spent returns the sum of a run's receipts, and of its reservations without a receipt, in dollars. It leaves out
// payments for which without returns true.
func (s answerStore) spent(ctx context.Context, run string, without func(payment) bool) (float64, error) {
	if s.work == nil {
		return 0, nil
	}
	costs := map[payment]int64{}
	// A receipt is written after its reservation, and replaces it.
	for _, prefix := range []string{reservedPrefix(run), paidPrefix(run)} {
		for attrs, err := range s.work.List(ctx, prefix, "") {
			if err != nil {
				return 0, fmt.Errorf("reading the spending of run %s: %w", run, err)
			}
			name := strings.TrimPrefix(attrs.Name, prefix)
			dash := max(strings.LastIndexByte(name, '-'), 0)
			cost, err := strconv.ParseInt(strings.TrimPrefix(name[dash:], "-"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the spending of run %s: %s is not a receipt", run, attrs.Name)
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

// Spent returns the spending of a run, in US dollars. A request without a known price counts as 0. Requests in flight,
// and requests whose process was killed, count with their highest cost. work is the bucket that stores the run's
// answers.
func Spent(ctx context.Context, work bucket.Bucket, run string) (float64, error) {
	return answerStore{work}.spent(ctx, run, func(payment) bool { return false })
}
