package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// refusing answers requests to score with refuse, and all others like a working sidecar.
func refusing(refuse func(w http.ResponseWriter, asked []item) bool) func(*fake) {
	return func(f *fake) {
		f.refuse = func(w http.ResponseWriter, path string, asked []item) bool {
			return path == "/v1/score" && refuse(w, asked)
		}
	}
}

// times returns a change that refuses the first n requests to score.
func times(n int32, refuse func(w http.ResponseWriter)) func(*fake) {
	var left atomic.Int32
	left.Store(n)
	return refusing(func(w http.ResponseWriter, _ []item) bool {
		if left.Add(-1) < 0 {
			return false
		}
		refuse(w)
		return true
	})
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprint(w, `{"error":{"code":"test","detail":"as the test wants it"}}`)
	}
}

// After any temporary fault of the sidecar, every sample gets its rating and none is recorded as failed.
func TestPassingTrouble(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*fake){
		"full once":              times(1, status(http.StatusTooManyRequests, "Retry-After", "1")),
		"full, and does not say": times(2, status(http.StatusTooManyRequests)),
		"restarts":               times(2, status(http.StatusServiceUnavailable, "Retry-After", "1")),
		"dies on a request":      times(1, func(http.ResponseWriter) { hangUp() }),
		"dies on two together":   times(2, func(http.ResponseWriter) { hangUp() }),
		"dies in its answer": times(1, func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100000")
			_, _ = fmt.Fprint(w, `{"models":`)
			_ = http.NewResponseController(w).Flush()
			hangUp()
		}),
		"fails once":    times(1, status(http.StatusInternalServerError)),
		"behind a gate": times(1, status(http.StatusBadGateway)),
		"is not ready": func(f *fake) {
			var asked atomic.Int32
			f.refuse = func(w http.ResponseWriter, path string, _ []item) bool {
				if path == "/v1/models" && asked.Add(1) < 3 {
					status(http.StatusServiceUnavailable)(w)
					return true
				}
				return false
			}
		},
		"was replaced, and is not healthy at first": func(f *fake) {
			var died, asked atomic.Int32
			f.refuse = func(w http.ResponseWriter, path string, _ []item) bool {
				switch {
				case path == "/v1/score" && died.Add(1) == 1:
					hangUp()
				case path == "/healthz" && asked.Add(1) == 1:
					hangUp()
				case path == "/healthz" && asked.Load() == 2:
					status(http.StatusServiceUnavailable)(w)
					return true
				case path == "/v1/score" && asked.Load() < 3:
					t.Error("a request was sent before the sidecar was healthy")
				}
				return false
			}
		},
	}
	for name, trouble := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, trouble)
			items := pool(20)
			results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			if err := wrong(items, results); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var at []time.Time
	f := newFake(t, refusing(func(w http.ResponseWriter, _ []item) bool {
		mu.Lock()
		defer mu.Unlock()
		if at = append(at, time.Now()); len(at) > 1 {
			return false
		}
		status(http.StatusTooManyRequests, "Retry-After", "2")(w)
		return true
	}))
	if _, err := openAt(t, f.URL, options(t)).Rate(t.Context(), pool(1)); err != nil {
		t.Fatal(err)
	}
	if pause := at[1].Sub(at[0]); pause < 2*time.Second || pause > 4*time.Second {
		t.Errorf("the next request came after %v, but the sidecar requested a pause of 2 s", pause)
	}
}

// The client waits for a sidecar that is started later, and the log has the reason.
func TestSidecarArrivesLater(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	address, arrive := away(t, f)
	timer := time.AfterFunc(time.Second, arrive)
	defer timer.Stop()
	items := pool(3)
	results, err := openAt(t, address, options(t)).Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong(items, results); err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	address, _ := away(t, nil)
	o := options(t)
	o.Retry.MaxWait = time.Second
	start := time.Now()
	_, err := New(Address{Scorer: []string{address}, Styler: []string{address}}, o).Open(t.Context(), rubric.Default())
	if !errors.Is(err, scorer.ErrUnavailable) || !strings.Contains(err.Error(), "not ready within 1s") ||
		!strings.Contains(err.Error(), "refused") {
		t.Errorf("got error %v", err)
	}
	if waited := time.Since(start); waited > 3*time.Second {
		t.Errorf("waited for %v", waited)
	}
}

func TestWaitingIsReported(t *testing.T) {
	t.Parallel()
	waited := make(chan error, 1)
	o := options(t)
	o.Retry.OnWait = func(err error, _ time.Time) {
		select {
		case waited <- err:
		default:
		}
	}
	f := newFake(t, times(1, status(http.StatusServiceUnavailable, "Retry-After", "5")))
	if _, err := openAt(t, f.URL, o).Rate(t.Context(), pool(1)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waited:
		if !strings.Contains(err.Error(), "as the test wants it") {
			t.Errorf("waits for %v", err)
		}
	default:
		t.Error("no wait is reported")
	}
}

// A sample that kills the sidecar each time is found, and all other samples get their ratings.
func TestKillersAreFound(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(http.ResponseWriter){
		"dies": func(http.ResponseWriter) { hangUp() }, "fails": status(http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, refusing(func(w http.ResponseWriter, asked []item) bool {
				if !has(asked, 13) && !has(asked, 44) {
					return false
				}
				die(w)
				return true
			}))
			items := pool(50)
			results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			if err := wrong(items, results, 13, 44); err != nil {
				t.Error(err)
			}
			for _, i := range []int{13, 44} {
				if results[i].Code != scorer.Died || results[i].Ratings != nil {
					t.Errorf("sample %d: %+v", i, results[i])
				}
			}
		})
	}
}

// If the sidecar dies, all its requests in flight break. The other samples of these requests are not recorded as
// failed.
func TestBystandersAreNotBlamed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	killed := make(chan struct{})
	f := newFake(t, func(f *fake) { f.limits.Items = 1 }, refusing(func(_ http.ResponseWriter, asked []item) bool {
		mu.Lock()
		death := killed
		mu.Unlock()
		if has(asked, 3) {
			time.Sleep(50 * time.Millisecond)
			mu.Lock()
			close(killed)
			killed = make(chan struct{})
			mu.Unlock()
			hangUp()
		}
		select {
		case <-death:
			hangUp()
		case <-time.After(100 * time.Millisecond):
		}
		return false
	}))
	items := pool(8)
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong(items, results, 3); err != nil {
		t.Error(err)
	}
	if results[3].Code != scorer.Died {
		t.Errorf("the sample that kills the sidecar has the reason %q", results[3].Reason)
	}
}

// A troubleCase is a fault of a server, and a part of the expected error.
type troubleCase struct {
	trouble func(*fake)
	want    string
}

// checkTransient checks that a server with a fault fails the whole batch with an error: no sample is recorded as
// failed.
func checkTransient(t *testing.T, tests map[string]troubleCase) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.trouble)
			o := options(t)
			o.Retry.MaxWait = time.Second
			results, err := openAt(t, f.URL, o).Rate(t.Context(), pool(3))
			if err == nil || !strings.Contains(err.Error(), tt.want) || results != nil {
				t.Errorf("got error %v, want one with %q; and %d results", err, tt.want, len(results))
			}
		})
	}
}

// If a server does not answer, or sends other content, no sample is recorded as failed.
func TestNoAnswerIsTransient(t *testing.T) {
	t.Parallel()
	always := func(answer func(http.ResponseWriter)) func(*fake) { return times(math.MaxInt32, answer) }
	checkTransient(t, map[string]troubleCase{
		"dies at every request":  {always(func(http.ResponseWriter) { hangUp() }), "did not answer"},
		"fails at every request": {always(status(http.StatusInternalServerError)), "500 Internal Server Error"},
		"is always full":         {always(status(http.StatusTooManyRequests)), "not ready within 1s"},
		"requests a pause of an hour": {
			always(status(http.StatusServiceUnavailable, "Retry-After", "3600")), "as the test wants it",
		},
		"calls the request malformed": {always(status(http.StatusUnprocessableEntity)), "422 Unprocessable Entity"},
		"is another kind of server": {
			always(func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, "<html>") }),
			"an invalid answer: invalid character",
		},
		"is not found": {always(status(http.StatusNotFound)), "404 Not Found"},
		"ends its answer halfway": {
			always(func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `{"models":{`) }),
			"unexpected end of JSON",
		},
	})
}

// If the answers of a server do not match the questions, no sample is recorded as failed.
func TestWrongAnswersAreTransient(t *testing.T) {
	t.Parallel()
	ok := func(change func(*response)) func(*fake) { return func(f *fake) { f.change = change } }
	outcomeOf := func(change func(*outcome)) func(*fake) {
		return ok(func(r *response) { change(&r.Items[len(r.Items)-1]) })
	}
	const noAnswer = "cannot answer the rubric's questions"
	fails := func(code, detail string) func(*fake) {
		return outcomeOf(func(o *outcome) { *o = outcome{Error: &apiError{code, detail}} })
	}
	checkTransient(t, map[string]troubleCase{
		"has other models": {ok(func(r *response) { r.Models["styler"] = "t-2" }), `has the styler "t-2", but had "t-1"`},
		"has lost a model": {ok(func(r *response) { delete(r.Models, "scorer") }), `has the scorer ""`},
		"too few items":    {ok(func(r *response) { r.Items = r.Items[1:] }), "answers for 2 items, but 3 were sent"},
		"too many items":   {ok(func(r *response) { r.Items = append(r.Items, r.Items[0]) }), "4 items, but 3 were sent"},
		"answers lack an item's answer": {
			outcomeOf(func(o *outcome) { o.Answers = o.Answers[1:] }), "item 2: 14 answers to 15 queries",
		},
		"answer is empty": {outcomeOf(func(o *outcome) { *o = outcome{} }), "item 2: 0 answers to 15 queries"},
		"answers lack choices": {
			outcomeOf(func(o *outcome) { o.Answers[3].Logprobs = o.Answers[3].Logprobs[1:] }),
			"answer 3 lacks its mass, its argmax or some of 6 probabilities",
		},
		"answers lack the mass": {
			outcomeOf(func(o *outcome) { o.Answers[3].Mass = nil }),
			"answer 3 lacks its mass, its argmax or some of 6 probabilities",
		},
		"answers lack argmax": {
			outcomeOf(func(o *outcome) { o.Answers[3].Argmax = nil }),
			"answer 3 lacks its mass, its argmax or some of 6 probabilities",
		},
		"answers lack the text": {outcomeOf(func(o *outcome) { o.Answers[14].Text = nil }), "answer 14 has no text"},
		"gives logits, not probabilities": {
			outcomeOf(func(o *outcome) { o.Answers[0].Logprobs[2] = 3 }), "answer 0 has probabilities with the sum",
		},
		"has another mass":          {outcomeOf(func(o *outcome) { *o.Answers[0].Mass = 0.5 }), "but its mass is 0.5"},
		"error without a code":      {fails("", "?"), "the error has no code"},
		"refuses digits as choices": {fails("choice_not_a_token", "0"), noAnswer + ": choice_not_a_token"},
		"does not know the models":  {fails("no_such_model", "scorer"), noAnswer},
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change      func(*fake)
		want        string
		unavailable bool
	}{
		"no styler": {func(f *fake) { delete(f.models, "styler") }, `has no styler, only ["scorer"]`, true},
		"an older sidecar": {
			func(f *fake) { f.speaks = 0 }, "uses version 1 of its protocol, but this program uses version 2", true,
		},
		"a newer sidecar": {func(f *fake) { f.speaks = 3 }, "uses version 3 of its protocol", true},
		"no limits":       {func(f *fake) { f.limits = limits{} }, "an invalid answer: its limits", true},
		"few queries":     {func(f *fake) { f.limits.Queries = 14 }, "needs 15 queries for a sample, but the", false},
		"something else": {func(f *fake) {
			f.refuse = func(w http.ResponseWriter, _ string, _ []item) bool { http.NotFound(w, nil); return true }
		}, "404 Not Found", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.change)
			at := Address{Scorer: []string{f.URL}, Styler: []string{f.URL}}
			_, err := New(at, options(t)).Open(t.Context(), rubric.Default())
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, scorer.ErrUnavailable) != tt.unavailable {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// A stalled request is repeated. If a sidecar always stalls, the context ends the call.
func TestStall(t *testing.T) {
	t.Parallel()
	var stalls atomic.Int32
	stalls.Store(2)
	end := make(chan struct{})
	f := newFake(t, refusing(func(http.ResponseWriter, []item) bool {
		if stalls.Add(-1) >= 0 {
			<-end
			hangUp()
		}
		return false
	}))
	t.Cleanup(func() { close(end) })
	o := options(t)
	o.Timeout = 300 * time.Millisecond
	s := openAt(t, f.URL, o)
	items := pool(40)
	results, err := s.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong(items, results); err != nil {
		t.Error(err)
	}

	stalls.Store(math.MaxInt32)
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Rate(ctx, items); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want the error of the context", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("continued for %v after its context ended", took)
	}
}

// Cancelling ends a pause immediately, and the error has the reason of the pause.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	f := newFake(t, times(math.MaxInt32, status(http.StatusTooManyRequests, "Retry-After", "8")))
	s := openAt(t, f.URL, options(t))
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(300*time.Millisecond, cancel)
	defer timer.Stop()
	start := time.Now()
	_, err := s.Rate(ctx, pool(50))
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "429") {
		t.Errorf("got error %v", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("continued for %v", took)
	}
}

// A batch that is refused as too large is halved. A sample that is too large by itself fails with this reason.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	items := pool(20)
	items[5].Images = [][]byte{make([]byte, 40_000)}
	items[9].Images = [][]byte{make([]byte, 80_000)}
	const declared, taken = 100_000, 60_000 // a proxy before the sidecar may accept less
	f := newFake(t, func(f *fake) { f.limits.Bytes = declared }, refusing(func(w http.ResponseWriter, asked []item) bool {
		size, err := encode(request{asked})
		if err != nil || len(size) > declared {
			t.Errorf("a request of %d bytes, error %v", len(size), err)
		}
		if len(size) > taken {
			status(http.StatusRequestEntityTooLarge)(w)
		}
		return len(size) > taken
	}))
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong(items, results, 9); err != nil {
		t.Error(err)
	}
	if want := "image too large: the sample has 1"; !strings.HasPrefix(results[9].Reason, want) {
		t.Errorf("reason %q, want %q…", results[9].Reason, want)
	}
	f.limits.Bytes = 2 * taken
	items[5].Images = [][]byte{make([]byte, 60_000)} // 80,000 in base64
	results, err = openAt(t, f.URL, options(t)).Rate(t.Context(), items[5:6])
	if err != nil || results[0].Code != images.TooLarge {
		t.Errorf("refused alone: %+v, error %v", results, err)
	}
}

// A fault of one item is the reason of its sample. The reason has the words that counts of reasons use.
func TestItemFaults(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"image_undecodable": "image does not decode: d", "image_too_large": "image too large: d",
		"prompt_too_long": "prompt too long: d", "not_finite": "not finite: d",
	}
	for code, words := range want {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(f *fake) {
				f.change = func(r *response) { r.Items[1] = outcome{Error: &apiError{Code: code, Detail: "d"}} }
			})
			items := pool(3)
			results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			if err := wrong(items, results, 1); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(scorer.Result{Code: reason.Code(code), Reason: words}, results[1]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
