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

// paidName is the receipt of a run for one payment. Its cost, in billionths of a dollar, is in the name, so that what
// the run has spent is the sum of a listing. Every payment has a name of its own: an answer that was lost, or that two
// processes asked for at the same time, is paid for again, and costs the same.
func paidName(run, hash string, dollars float64) string {
	return fmt.Sprintf("%s%s-%08x-%d", paidPrefix(run), hash, rand.Uint32(), nanodollars(dollars))
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
func (s answerStore) add(ctx context.Context, hash string, a *Answer) (*Answer, error) {
	if s.work == nil {
		return a, nil
	}
	if err := s.addReceipt(ctx, hash, a); err != nil {
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

// addReceipt records what a run paid, also for an answer that was never completed.
func (s answerStore) addReceipt(ctx context.Context, hash string, a *Answer) error {
	if s.work == nil || a.Run == "" || a.Dollars == nil || *a.Dollars == 0 {
		return nil
	}
	_, err := s.create(ctx, paidName(a.Run, hash, *a.Dollars), a.Usage)
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

// spent is the sum of a run's receipts, in dollars.
func (s answerStore) spent(ctx context.Context, run string) (float64, error) {
	if s.work == nil {
		return 0, nil
	}
	var sum int64
	for attrs, err := range s.work.List(ctx, paidPrefix(run), "") {
		if err != nil {
			return 0, fmt.Errorf("adding up what run %s has spent: %w", run, err)
		}
		cost, err := strconv.ParseInt(attrs.Name[strings.LastIndexByte(attrs.Name, '-')+1:], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("adding up what run %s has spent: %s is no receipt", run, attrs.Name)
		}
		sum += cost
	}
	return float64(sum) / 1e9, nil
}

// Spent is what a run has paid, in US dollars, as far as prices were known. work is the bucket that keeps its answers.
func Spent(ctx context.Context, work bucket.Bucket, run string) (float64, error) {
	return answerStore{work}.spent(ctx, run)
}
