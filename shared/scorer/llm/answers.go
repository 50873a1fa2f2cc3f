package llm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// An Answer is what was paid for: answers/<hash>.json, where the hash is of everything that the model was
// given. It counts for every run. A final fault of a sample is answers/faults/<run>/<hash>.json: it
// counts for its run, so that a retry, which is another run, asks again.
type Answer struct {
	Scorer string `json:"scorer"`
	Model  string `json:"model"`
	// Reason is the model's own, in one line.
	Reason  string   `json:"reason,omitempty"`
	Ratings []int8   `json:"ratings,omitempty"` // in the order of the rubric's capabilities
	Styles  []string `json:"styles,omitempty"`
	// Fault is why the sample cannot be rated; the fields above are empty then.
	Fault    string `json:"fault,omitempty"`
	Requests int    `json:"requests"` // that were answered: 2 where the first answer was faulty
	Usage    Usage  `json:"usage"`
	// Dollars is nil where the price was not known.
	Dollars *float64 `json:"dollars,omitempty"`
	Run     string   `json:"run,omitempty"` // that paid
}

// root is where answers lie in the work bucket.
const root = "answers/"

func answerName(hash string) string     { return root + hash + ".json" }
func faultName(run, hash string) string { return root + "faults/" + run + "/" + hash + ".json" }
func paidPrefix(run string) string      { return root + "paid/" + run + "/" }

// paidName is the receipt of a run for one payment: its cost, in units of a billionth of a dollar, is in the name, so that
// a listing tells what the run has spent. Every payment has a name of its own: an answer that was lost, or that two
// processes asked for at once, is paid for again, and costs the same.
func paidName(run, hash string, dollars float64) string {
	return fmt.Sprintf("%s%s-%08x-%d", paidPrefix(run), hash, rand.Uint32(), nano(dollars))
}

func nano(dollars float64) int64 { return int64(dollars*1e9 + 0.5) }

// A memory keeps answers in the work bucket. One without a bucket keeps none.
type memory struct{ work bucket.Bucket }

// recall finds an answer that there is already; nil if there is none.
func (m memory) recall(ctx context.Context, run, hash string) (*Answer, error) {
	if m.work == nil {
		return nil, nil
	}
	names := []string{answerName(hash)}
	if run != "" {
		names = append(names, faultName(run, hash))
	}
	for _, name := range names {
		a, err := m.load(ctx, name)
		if a != nil || err != nil {
			return a, err
		}
	}
	return nil, nil
}

func (m memory) load(ctx context.Context, name string) (*Answer, error) {
	body, err := m.work.Open(ctx, name, 0, 0, -1)
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

// keep stores an answer and its receipt, and gives the answer that stands: the first one. The receipt comes first: what was
// paid for is counted even where the answer is lost.
func (m memory) keep(ctx context.Context, hash string, a *Answer) (*Answer, error) {
	if m.work == nil {
		return a, nil
	}
	if err := m.receipt(ctx, hash, a); err != nil {
		return nil, err
	}
	name := answerName(hash)
	if a.Fault != "" {
		if a.Run == "" {
			return a, nil
		}
		name = faultName(a.Run, hash)
	}
	written, err := m.create(ctx, name, a)
	if written || err != nil {
		return a, err
	}
	return m.load(ctx, name)
}

// receipt notes what a run paid, also for an answer that never came to an end.
func (m memory) receipt(ctx context.Context, hash string, a *Answer) error {
	if m.work == nil || a.Run == "" || a.Dollars == nil || *a.Dollars == 0 {
		return nil
	}
	_, err := m.create(ctx, paidName(a.Run, hash, *a.Dollars), a.Usage)
	return err
}

func (m memory) create(ctx context.Context, name string, v any) (bool, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("encoding %s: %w", name, err)
	}
	err = m.work.Create(ctx, name, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(append(data, '\n')))
		return err
	})
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return false, fmt.Errorf("writing %s: %w", name, err)
	}
	return err == nil, nil
}

// spent adds up what a run has paid for, in dollars.
func (m memory) spent(ctx context.Context, run string) (float64, error) {
	if m.work == nil {
		return 0, nil
	}
	var sum int64
	for attrs, err := range m.work.List(ctx, paidPrefix(run), "") {
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

// Spent is what a run has paid for, in US dollars, as far as prices were known. work is the bucket that keeps its answers.
func Spent(ctx context.Context, work bucket.Bucket, run string) (float64, error) {
	return memory{work}.spent(ctx, run)
}

// result is what an answer says of its sample.
func (a *Answer) result() scorer.Result {
	if a.Fault != "" {
		return scorer.Result{Reason: a.Fault}
	}
	expected := make([]float32, len(a.Ratings))
	for i, r := range a.Ratings {
		expected[i] = float32(r)
	}
	return scorer.Result{Ratings: a.Ratings, Expected: expected, Styles: a.Styles}
}

// requestHash names the answer to a request: it is of all that the model is given. How images are made ready is part of
// the scorer's id, so they are hashed as they came. Each part is hashed on its own, so that none can run into the next.
func requestHash(scorerID, conversation string, images [][]byte) string {
	all := sha256.New()
	part := func(data []byte) {
		sum := sha256.Sum256(data)
		all.Write(sum[:])
	}
	part([]byte(scorerID))
	part([]byte(conversation))
	for _, data := range images {
		part(data)
	}
	return hex.EncodeToString(all.Sum(nil)[:16])
}
