package remote

import (
	"fmt"
	"sync"
	"time"
)

// reportEvery is the least time between two reports of a wait.
const reportEvery = 30 * time.Second

// Waiting returns a function for Retry.OnWait. The function calls report at the first failure, and then at most every
// 30 s. The error names the time at which retries end.
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
