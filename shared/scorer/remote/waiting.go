package remote

import (
	"fmt"
	"sync"
	"time"
)

// reportEvery is the least time between two reports of waiting.
const reportEvery = 30 * time.Second

// Waiting reports to report what is waited for and until when: with the first failure, and then every 30 s as long as
// there are failures. What it returns is for Retry.OnWait.
func Waiting(report func(error)) func(error, time.Time) {
	var mu sync.Mutex
	var last time.Time
	return func(err error, until time.Time) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= reportEvery {
			last = now
			report(fmt.Errorf("%w; retrying until %s", err, until.Format(time.TimeOnly)))
		}
	}
}
