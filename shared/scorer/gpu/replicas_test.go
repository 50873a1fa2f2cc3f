package gpu

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// Several sidecars share the work. Each gets requests, no sidecar has more requests than slots, and the ratings equal
// those of one sidecar.
func TestPool(t *testing.T) {
	t.Parallel()
	var busy [3]atomic.Int64
	var urls []string
	var fakes []*fake
	for i := range busy {
		f := newFake(t, func(f *fake) {
			f.limits.Items = 4
			f.refuse = func(_ http.ResponseWriter, path string, _ []item) bool {
				if path == "/v1/score" {
					busy[i].Add(1)
				}
				return false
			}
		})
		fakes, urls = append(fakes, f), append(urls, f.URL)
	}
	items := pool(120)
	results, err := openAt(t, strings.Join(urls, ","), options(t)).Rate(t.Context(), items)
	if err == nil {
		err = wrong(items, results)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fakes {
		if busy[i].Load() == 0 || f.most > inFlight {
			t.Errorf("sidecar %d had %d requests, %d of them at a time", i, busy[i].Load(), f.most)
		}
	}
	alone, err := openAt(t, urls[0], options(t)).Rate(t.Context(), items)
	if err != nil || len(alone) != len(results) {
		t.Errorf("error %v of one sidecar", err)
	}
	if a, b := openAt(t, urls[0], options(t)).ID(), openAt(t, strings.Join(urls, ","), options(t)).ID(); a != b {
		t.Errorf("ids %s and %s: the id must not depend on the number of sidecars", a, b)
	}
}

// A sidecar that does not listen, or dies during a request, only lowers the throughput.
func TestPoolWithDead(t *testing.T) {
	t.Parallel()
	good := newFake(t, func(f *fake) { f.limits.Items = 4 })
	dead, _ := away(t, good)
	var taken atomic.Int64
	dies := newFake(t, func(f *fake) {
		f.refuse = func(_ http.ResponseWriter, path string, _ []item) bool {
			if path == "/v1/score" || taken.Load() > 0 {
				taken.Add(1)
				hangUp()
			}
			return false
		}
	})
	items := pool(60)
	for _, address := range []string{dead + "," + good.URL, dies.URL + "," + good.URL} {
		s := openAt(t, address, options(t))
		results, err := s.Rate(t.Context(), items)
		if err == nil {
			err = wrong(items, results)
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if taken.Load() == 0 {
		t.Error("the sidecar that dies got no request")
	}
}

// Sidecars with different models are refused.
func TestPoolOfDifferentModels(t *testing.T) {
	t.Parallel()
	a, b := newFake(t), newFake(t, func(f *fake) { f.models["scorer"] = "s-2" })
	at, err := ParseAddress(a.URL + "," + b.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(at, options(t)).Open(t.Context(), rubric.Default())
	if !errors.Is(err, scorer.ErrUnavailable) || !strings.Contains(err.Error(), "have different models") {
		t.Errorf("error %v", err)
	}
}

// The token is sent with every request to a sidecar. If the token is refused, the error is a StopError.
func TestToken(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	guarded := newGuard(t, f, "s3cret")
	o := options(t)
	o.Token = "s3cret"
	items := pool(3)
	results, err := openAt(t, guarded, o).Rate(t.Context(), items)
	if err == nil {
		err = wrong(items, results)
	}
	if err != nil {
		t.Error(err)
	}
	at, err := ParseAddress(guarded)
	if err != nil {
		t.Fatal(err)
	}
	o.Token = "other"
	_, err = New(at, o).Open(t.Context(), rubric.Default())
	if err == nil || !strings.Contains(err.Error(), "GPU_SIDECAR_TOKEN") || strings.Contains(err.Error(), "other") {
		t.Errorf("error %v", err)
	}
}

// A request has as many items as the sidecar prefers.
func TestBatchOfSidecar(t *testing.T) {
	t.Parallel()
	for batch, want := range map[int][]int{0: {30, 30}, 12: {12, 12, 12, 12, 12}, 1000: {60}} {
		f := newFake(t, func(f *fake) { f.limits.Batch = batch })
		if _, err := openAt(t, f.URL, options(t)).Rate(t.Context(), pool(60)); err != nil {
			t.Fatal(err)
		}
		if sizes := f.sizes(); !slices.Equal(sizes, want) {
			t.Errorf("a sidecar that prefers %d items gets %v", batch, sizes)
		}
	}
}

// A sidecar gets as many concurrent requests as it prefers. Each of several sidecars has its own number.
func TestInFlightOfSidecar(t *testing.T) {
	t.Parallel()
	for likes, want := range map[int]int{0: inFlight, 1: 1, 5: 5} {
		f := newFake(t, func(f *fake) {
			f.limits.Items, f.limits.InFlight = 1, likes
			f.refuse = func(_ http.ResponseWriter, path string, _ []item) bool {
				if path == "/v1/score" {
					time.Sleep(20 * time.Millisecond)
				}
				return false
			}
		})
		s := openAt(t, f.URL, options(t))
		if got := s.backends[0].inFlight(); got != want {
			t.Errorf("a sidecar that prefers %d requests may have %d, want %d", likes, got, want)
		}
		if _, err := s.Rate(t.Context(), pool(20)); err != nil {
			t.Fatal(err)
		}
		if f.most > want {
			t.Errorf("a sidecar that prefers %d requests had %d concurrent requests", likes, f.most)
		}
	}
	first := newFake(t, func(f *fake) { f.limits.InFlight = 4 })
	other := newFake(t, func(f *fake) { f.limits.InFlight = 3 })
	if got := openAt(t, first.URL+","+other.URL, options(t)).backends[0].inFlight(); got != 7 {
		t.Errorf("sidecars that prefer 4 and 3 requests may have %d", got)
	}
}

// Items that a sidecar had finished when it stopped are kept, and only the others are sent again.
func TestStoppingSidecar(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	f := newFake(t, func(f *fake) {
		f.change = func(r *response) {
			asked.Add(int64(len(r.Items)))
			if len(r.Items) > 1 {
				for i := 1; i < len(r.Items); i += 2 {
					r.Items[i] = outcome{Error: &apiError{Code: stopping, Detail: "send it again"}}
				}
			}
		}
	})
	items := pool(16)
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), items)
	if err == nil {
		err = wrong(items, results)
	}
	if err != nil || asked.Load() != 16+8+4+2+1 {
		t.Errorf("error %v after %d items were sent, want 31", err, asked.Load())
	}
}
