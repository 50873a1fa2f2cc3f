package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes time.Duration
		want  bool
	}{"idle": {0, true}, "in time": {time.Second, true}, "too long": {time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				work := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(tt.takes) })
				d := &drain{over: t.Context(), Handler: work}
				go d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
				synctest.Wait()
				begin := time.Now()
				if got := d.wait(drainTime); got != tt.want || time.Since(begin) != min(tt.takes, drainTime) {
					t.Errorf("%v after %s", got, time.Since(begin))
				}
				time.Sleep(tt.takes) // let the request end
			})
		})
	}
}

// The context of a request that takes too long is cancelled.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over, end := context.WithCancel(t.Context())
		work := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		d := &drain{over: over, Handler: work}
		go d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
		synctest.Wait()
		if d.wait(drainTime) {
			t.Fatal("the request ended by itself")
		}
		end()
		begin := time.Now()
		if !d.wait(endTime) || time.Since(begin) > 0 {
			t.Errorf("a request is still running after %s", time.Since(begin))
		}
	})
}
