package remote_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "7": 7 * time.Second, "0.5": 500 * time.Millisecond, "-1": 0, "-3": 0, "soon": 0,
		"1e300": 0, "NaN": 0, "Mon, 02 Jan 2006 15:04:05 GMT": 0, "Mon, 01 Jan 2001 00:00:00 GMT": 0,
		"Fri, 01 Jan 2200 00:00:00 GMT": 0,
	} {
		if got := remote.RetryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, pause := range []time.Duration{time.Minute, time.Hour} {
		date := time.Now().Add(pause).UTC().Format(http.TimeFormat)
		got := remote.RetryAfter(http.Header{"Retry-After": {date}})
		if got < pause-5*time.Second || got > pause {
			t.Errorf("%q: %v, want %v", date, got, pause)
		}
	}
}

// class returns the kind of an error.
func class(err error) string {
	if later, ok := errors.AsType[remote.LaterError](err); ok {
		return "later " + later.After.String()
	}
	if remote.IsBroken(err) {
		return "broken"
	}
	return "refused"
}

func TestStatusError(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"0.2"}}
	want := map[int]string{
		400: "refused", 404: "refused", 413: "refused", 422: "refused", 408: "broken", 409: "broken", 425: "broken",
		429: "later 200ms", 500: "broken", 502: "broken", 503: "later 200ms", 504: "broken", 529: "later 200ms",
	}
	got := map[int]string{}
	refused := errors.New("refused")
	for status := range want {
		err := remote.StatusError(status, header, refused)
		if got[status] = class(err); !errors.Is(err, refused) || err.Error() != "refused" {
			t.Errorf("status %d: %v", status, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("classes (-want +got)\n%s", diff)
	}
}

func TestTransportError(t *testing.T) {
	t.Parallel()
	dial := remote.TransportError("the server", &net.OpError{Op: "dial", Err: errors.New("refused")})
	if class(dial) != "later 0s" || dial.Error() != "the server cannot be reached: dial: refused" {
		t.Errorf("not reached: %s, %v", class(dial), dial)
	}
	read := remote.TransportError("the server", &net.OpError{Op: "read", Err: errors.New("reset")})
	if class(read) != "broken" || read.Error() != "the server did not answer: read: reset" {
		t.Errorf("not answered: %s, %v", class(read), read)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		" no \n":                       "no", //nolint:gocritic // this case tests the blanks
		strings.Repeat("x", 400):       strings.Repeat("x", 300),
		strings.Repeat("x", 299) + "é": strings.Repeat("x", 299),
	} {
		if got := remote.Quote(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}

// outcomes returns a try function that returns these errors, one after the other, and then nil.
func outcomes(errs ...error) (try func() error, calls *int) {
	calls = new(int)
	return func() error {
		*calls++
		if *calls <= len(errs) {
			return errs[*calls-1]
		}
		return nil
	}, calls
}

func TestRetry(t *testing.T) {
	away := remote.LaterError{Err: errors.New("away")}
	full := remote.LaterError{Err: errors.New("full"), After: 20 * time.Second}
	broken, refused := remote.BrokenError{Err: errors.New("broken")}, errors.New("refused")
	tests := map[string]struct {
		errs      []error
		maxBroken int
		calls     int
		want      string
		reported  int
		atLeast   time.Duration
	}{
		"answered":                {nil, 1, 1, "", 0, 0},
		"unreachable for a while": {[]error{away, away}, 1, 3, "", 2, 500 * time.Millisecond},
		"requests a pause":        {[]error{full}, 1, 2, "", 1, 20 * time.Second},
		"broken once of two":      {[]error{broken, away}, 2, 3, "", 2, 500 * time.Millisecond},
		"broken twice":            {[]error{broken, away, broken}, 2, 3, "broken", 2, 500 * time.Millisecond},
		"broken":                  {[]error{broken}, 1, 1, "broken", 0, 0},
		"refused":                 {[]error{away, refused}, 1, 2, "refused", 1, 250 * time.Millisecond},
		"not ready in time": {
			[]error{full, full, full, full}, 1, 3, "scorer unavailable: not ready within 1m0s: full", 2, 40 * time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reported := 0
				r := remote.Retry{MaxWait: time.Minute, OnWait: func(_ error, until time.Time) {
					if reported++; until.After(time.Now().Add(time.Minute)) {
						t.Errorf("waiting ends at %v", until)
					}
				}}.WithDefaults()
				try, calls := outcomes(tt.errs...)
				waits := 0
				ctx := scorer.WithWaits(t.Context(), func(_ context.Context, w scorer.Wait) {
					if waits++; w.Advice != r.Advice || w.Why == nil {
						t.Errorf("reported %+v", w)
					}
				})
				start := time.Now()
				err := r.Do(ctx, tt.maxBroken, try)
				if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if waited := strings.HasPrefix(tt.want, "scorer unavailable"); errors.Is(err, scorer.ErrUnavailable) != waited {
					t.Errorf("error %v, want a scorer.ErrUnavailable: %t", err, waited)
				}
				if *calls != tt.calls || reported != tt.reported || waits != reported {
					t.Errorf("%d calls and %d, %d reports, want %d and %d", *calls, reported, waits, tt.calls, tt.reported)
				}
				if took := time.Since(start); took < tt.atLeast || took > time.Minute {
					t.Errorf("took %v, want at least %v", took, tt.atLeast)
				}
			})
		})
	}
}

// A wait is reported at the first failure and then every 30 s, with the time of its end.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []string
		report := remote.Waiting(func(err error) { reports = append(reports, err.Error()) })
		until := time.Date(2026, 2, 3, 4, 5, 6, 0, time.Local)
		for range 70 {
			report(errors.New("the server is away"), until)
			time.Sleep(time.Second)
		}
		want := "the server is away; retrying until 04:05:06"
		if diff := cmp.Diff([]string{want, want, want}, reports); diff != "" {
			t.Errorf("reports in 70 s (-want +got):\n%s", diff)
		}
	})
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		try, calls := outcomes(remote.LaterError{Err: errors.New("full"), After: 20 * time.Second})
		start := time.Now()
		err := remote.Retry{}.WithDefaults().Do(ctx, 1, try)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "full") || *calls != 1 {
			t.Errorf("error %v after %d calls", err, *calls)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("waited %v for a pause that is longer than the context", took)
		}
	})
}

func TestThrottle(t *testing.T) {
	for _, allowed := range []int{1, 3, 4, 7, 1000} {
		synctest.Test(t, func(t *testing.T) {
			throttle := remote.NewThrottle(2)
			throttle.Allow(allowed)
			if got := throttle.Allowed(); got != allowed {
				t.Errorf("%d requests are allowed, want %d", got, allowed)
			}
			var running, most, others atomic.Int32
			request := func(alone bool) {
				err := throttle.Do(t.Context(), alone, func() error {
					n := running.Add(1)
					defer running.Add(-1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					time.Sleep(time.Second)
					if alone {
						others.Add(running.Load() - 1)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			for i := range 3 * allowed {
				go request(i == allowed+1)
			}
			time.Sleep(time.Hour)
			if int(most.Load()) != allowed || others.Load() != 0 {
				t.Errorf("%d requests at the same time, want %d; %d next to one that is alone",
					most.Load(), allowed, others.Load())
			}
		})
	}
}

// A pause that the server requests in one answer applies to all requests.
func TestThrottlePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := remote.NewThrottle(2)
		full := remote.LaterError{Err: errors.New("full"), After: 10 * time.Second}
		if err := throttle.Do(t.Context(), false, func() error { return full }); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := throttle.Do(ctx, false, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v of a request that cannot be made in time", err)
		}
		start := time.Now()
		err := throttle.Do(t.Context(), true, func() error { return nil })
		if err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("error %v after %v, want 10 s", err, time.Since(start))
		}
	})
}

func TestIsolate(t *testing.T) {
	t.Parallel()
	broken := remote.BrokenError{Err: errors.New("it hung up")}
	refused, away := errors.New("refused"), remote.LaterError{Err: errors.New("away")}
	tests := map[string]struct {
		alone, trial  []error
		want          string
		died          bool
		alones, tries int
	}{
		"answered alone":                 {nil, nil, "", false, 1, 0},
		"answered at the second attempt": {[]error{broken}, nil, "", false, 2, 1},
		"refused":                        {[]error{refused}, nil, "refused", false, 1, 0},
		"refused at the second attempt":  {[]error{broken, refused}, nil, "refused", false, 2, 1},
		"the server is away":             {[]error{broken}, []error{away}, "it hung up; a trial request: away", false, 1, 1},
		"server fails on the trial, too": {
			[]error{broken},
			[]error{broken},
			"it hung up; a trial request: it hung up",
			false,
			1,
			1,
		},
		"unreachable after the last request": {
			[]error{broken, broken}, []error{nil, away}, "it hung up; a trial request: away", false, 2, 2,
		},
		"fails each time": {[]error{broken, broken}, nil, ": it hung up", true, 2, 2},
	}
	for name, tt := range tests {
		alone, alones := outcomes(tt.alone...)
		trial, tries := outcomes(tt.trial...)
		err := remote.Isolate(alone, trial)
		if _, died := errors.AsType[remote.DiedError](err); died != tt.died || (err == nil) != (tt.want == "") {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
			continue
		}
		if err == nil {
			err = errors.New("")
		}
		if !strings.HasSuffix(err.Error(), tt.want) ||
			strings.HasPrefix(err.Error(), "scorer died on this sample: ") != tt.died {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		if *alones != tt.alones || *tries != tt.tries {
			t.Errorf("%s: %d requests alone and %d trials, want %d and %d", name, *alones, *tries, tt.alones, tt.tries)
		}
	}
}
