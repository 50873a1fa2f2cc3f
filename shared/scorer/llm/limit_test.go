package llm

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// takes sends requests to a limiter one after the other, on a fake clock. It returns the time that they take.
func takes(t *testing.T, requests, tokens, asked, each int, least, most float64) {
	t.Run(fmt.Sprintf("%d requests, %d tokens", requests, tokens), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(Config{RequestsPerMinute: requests, TokensPerMinute: tokens})
			start := time.Now()
			for range asked {
				if err := l.wait(t.Context(), each); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(start).Seconds(); took < least || took > most {
				t.Errorf("%d requests of %d tokens took %v s, want %v to %v", asked, each, took, least, most)
			}
		})
	})
}

func TestLimiter(t *testing.T) {
	tests := []struct {
		requests, tokens int // a minute
		asked, each      int
		least, most      float64 // seconds
	}{
		{0, 0, 1000, 1 << 20, 0, 0},
		{60, 0, 121, 1, 114, 116},    // six immediately, then one a second
		{1, 0, 3, 1, 120, 120},       // one immediately, then one a minute
		{0, 6000, 10, 600, 54, 54.1}, // one burst has a whole request
		{0, 600, 2, 600, 114, 114.1}, // ten bursts a request
		{600, 6000, 10, 600, 54, 54.2},
	}
	for _, tt := range tests {
		takes(t, tt.requests, tt.tokens, tt.asked, tt.each, tt.least, tt.most)
	}
}

// If a request uses more tokens than estimated, the next caller waits.
func TestLimiterCharges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(Config{TokensPerMinute: 600})
		l.charge(660) // 60 immediately, and a minute's allowance
		start := time.Now()
		if err := l.wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start).Seconds(); took < 60 || took > 60.2 {
			t.Errorf("waited %v s, want a minute", took)
		}
	})
}
