package llm

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// A person must fix these faults. No sample is recorded as failed, no request is repeated, and no error has the key.
func TestStops(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(asked) said
		says   string
	}{
		"key": {
			refuse(401, `{"error": {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}}`),
			"the key is refused; set LLM_API_KEY",
		},
		"unpaid": {refuse(402, `{"error": "insufficient credits"}`), "pay for the account"},
		"model":  {refuse(404, `{"error": {"message": "The model wren-1 does not exist"}}`), `there is no model "wren-1"`},
		"page":   {refuse(404, "<html>nothing here</html>"), "<html>nothing here</html>"},
		"quota": {
			refuse(429, `{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}`),
			"no credit left",
		},
		"all": {
			refuse(400, `{"error": {"message": "temperature is not supported", "code": 400}}`),
			"refuses every request, not only this sample",
		},
		"refused": {refuse(403, `{"detail": "the project of sk-secret is suspended"}`), "refuses every request"},
		"blind": {func(a asked) said {
			if a.images > 0 {
				return said{status: 400, body: `{"error": {"message": "image input is not supported"}}`}
			}
			return said{text: validAnswer}
		}, "accepts no images; name a vision model"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.answer)
			_, err := open(t, config(f), Options{}).Rate(t.Context(), []scorer.Item{withImage(t, 1)})
			stopped, ok := errors.AsType[*scorer.StopError](err)
			if !ok || !strings.Contains(stopped.Reason, tt.says) {
				t.Fatalf("error %v, want a StopError with %q", err, tt.says)
			}
			if strings.Contains(err.Error(), "sk-secret") {
				t.Errorf("the error contains the key: %v", err)
			}
			if n := len(f.requests()); n > 8 { // one request, a trial of each of six formats, and a trial without image
				t.Errorf("%d requests", n)
			}
		})
	}
}

func refuse(status int, body string) func(asked) said {
	return func(asked) said { return said{status: status, body: body} }
}

// If a server does not accept a format, the next format is used. The format is determined once, and no sample fails.
func TestFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refuses  func(format string) bool
		requests int
		last     string
	}{
		"accepts all formats":       {func(string) bool { return false }, 20, "maxLength"},
		"refuses limits of lengths": {func(f string) bool { return strings.Contains(f, "maxLength") }, 20 + 4, "json_schema"},
		"refuses all schemas":       {func(f string) bool { return f != "" }, 20 + 6, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(a asked) said {
				if tt.refuses(string(a.Format)) {
					return said{status: 400, body: `{"error": {"message": "unknown keyword"}}`}
				}
				return said{text: validAnswer}
			})
			c := config(f)
			c.Concurrency = 1
			s := open(t, c, Options{})
			for _, r := range append(rated(t, s, samples(10)...), rated(t, s, samples(20)[10:]...)...) {
				if r.Reason != "" {
					t.Errorf("a sample is recorded as failed: %s", r.Reason)
				}
			}
			all := f.requests()
			if last := string(all[len(all)-1].Format); len(all) != tt.requests || !strings.Contains(last, tt.last) ||
				(tt.last == "") != (last == "") {
				t.Errorf("%d requests, want %d; the last in format %q", len(all), tt.requests, last)
			}
		})
	}
}

// If the server refuses one sample and answers another, the first sample fails with the server's message.
func TestRefusedSample(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		if strings.Contains(a.text, "number 3?") {
			return said{status: 400, body: `{"error": {"message": "the prompt is too long"}}`}
		}
		return said{text: validAnswer}
	})
	want := []scorer.Result{
		validResult(), validResult(), validResult(),
		{Code: Refused, Reason: "refused by the model: the prompt is too long"}, validResult(),
	}
	if diff := cmp.Diff(want, rated(t, open(t, config(f), Options{}), samples(5)...)); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
}

// If a server refuses a request that it answered before, the reason may be the sample or the key. If it is the key, the
// next samples must not be recorded as failed.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		key    bool // whether the key is the reason
		want   string
	}{
		"key":                    {403, true, ""},
		"sample":                 {403, false, "refused by the model: flagged"},
		"key that has expired":   {400, true, ""}, // as Gemini answers
		"sample that is refused": {400, false, "refused by the model: flagged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answered atomic.Int32
			f := newFake(t, func(a asked) said {
				if answered.Load() > 0 && (tt.key || strings.Contains(a.text, "number 1?")) {
					return said{status: tt.status, body: `{"error": {"message": "flagged"}}`}
				}
				answered.Add(1)
				return said{text: validAnswer}
			})
			c := config(f)
			c.Concurrency = 1
			results, err := open(t, c, Options{}).Rate(t.Context(), samples(2))
			if _, stopped := errors.AsType[*scorer.StopError](err); stopped != tt.key ||
				(!tt.key && results[1].Reason != tt.want) {
				t.Errorf("error %v, results %+v", err, results)
			}
		})
	}
}

// A sample on which the server fails each time is recorded as failed, but the samples next to it are not.
func TestDeadlySample(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		if strings.Contains(a.text, "number 3?") {
			panic(http.ErrAbortHandler)
		}
		return said{text: validAnswer}
	})
	got := rated(t, open(t, config(f), Options{}), samples(6)...)
	for i, r := range got {
		if deadly := i == 3; (r.Code == scorer.Died) != deadly || (!deadly && r.Reason != "") {
			t.Errorf("sample %d: %q", i, r.Reason)
		}
	}
	trials := 0
	for _, a := range f.requests() {
		if a.trial {
			trials++
		}
	}
	if trials != 2 {
		t.Errorf("%d trial requests, want 2: one after each request with only the sample", trials)
	}
}

// Transient failures make no sample fail.
func TestPassingFailures(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]said{
		"500":       {status: 500, body: "oops"},
		"502":       {status: 502},
		"503":       {status: 503},
		"429":       {status: 429, header: map[string]string{"Retry-After": "0.2"}},
		"no JSON":   {status: http.StatusOK, body: "<html>a proxy</html>"},
		"no choice": {status: http.StatusOK, body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			f := newFake(t, func(asked) said {
				if calls.Add(1) <= 2 {
					return failure
				}
				return said{text: validAnswer}
			})
			for _, r := range rated(t, open(t, config(f), Options{}), samples(3)...) {
				if diff := cmp.Diff(validResult(), r); diff != "" {
					t.Errorf("result (-want +got)\n%s", diff)
				}
			}
		})
	}
}

// During a pause that the server requested, no request is sent, neither for the refused sample nor for others.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var refused time.Time
	early := 0
	f := newFake(t, func(asked) said {
		mu.Lock()
		first, since := refused.IsZero(), time.Since(refused)
		if first {
			refused = time.Now()
			// other requests were already sent, and clocks are read twice
		} else if since > 150*time.Millisecond && since < 950*time.Millisecond {
			early++
		}
		mu.Unlock()
		if first {
			return said{status: 429, header: map[string]string{"Retry-After": "1"}}
		}
		time.Sleep(200 * time.Millisecond)
		return said{text: validAnswer}
	})
	c := config(f)
	c.Concurrency = 3
	rated(t, open(t, c, Options{}), samples(6)...)
	if early > 0 {
		t.Errorf("%d requests came before the end of the pause", early)
	}
}

// If a server cannot be reached for the longest wait, the error is transient. The server may become reachable earlier.
func TestAway(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	c := config(f)
	f.Close()
	var told atomic.Int32
	s := open(t, c, Options{Retry: remote.Retry{
		MaxWait: 100 * time.Millisecond, OnWait: func(error, time.Time) { told.Add(1) },
	}})
	_, err := s.Rate(t.Context(), samples(3))
	if _, stopped := errors.AsType[*scorer.StopError](err); err == nil || stopped ||
		!strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("error %v, want a transient one", err)
	}
}

// A request that takes too long is ended and repeated.
func TestTimeout(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	release := make(chan struct{})
	f := newFake(t, func(asked) said {
		if calls.Add(1) == 1 {
			<-release
		}
		return said{text: validAnswer}
	})
	defer close(release)
	c := config(f)
	c.Timeout = time.Second
	if diff := cmp.Diff([]scorer.Result{validResult()}, rated(t, open(t, c, Options{}), samples(1)...)); diff != "" ||
		calls.Load() != 2 {
		t.Errorf("%d requests; results (-want +got)\n%s", calls.Load(), diff)
	}
}
