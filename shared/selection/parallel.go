package selection

import (
	"sync"
	"sync/atomic"
)

// parallel calls do once for each number below n, on several workers. The order of the calls is not defined, so no call
// may write data that another call reads or writes.
func parallel(workers, n int, do func(worker, i int)) {
	var (
		group sync.WaitGroup
		next  atomic.Int64
	)
	for worker := range min(workers, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(worker, i)
			}
		})
	}
	group.Wait()
}

// chunk is a number of samples, a multiple of 64, whose columns fit into a processor's cache.
const chunk = 1 << 14

// chunks returns the number of chunks of n samples.
func chunks(n int) int { return (n + chunk - 1) / chunk }

// inChunks calls do for the numbers below n in chunks, concurrently, like parallel.
func inChunks(workers, n int, do func(worker, start, end int)) {
	parallel(workers, chunks(n), func(worker, i int) { do(worker, i*chunk, min((i+1)*chunk, n)) })
}

// inSets divides the numbers below n into sets of successive numbers, of at most most numbers each, and calls do for
// the sets, concurrently, like parallel. There are at least as many sets as workers, if n allows it.
func inSets(workers, n, most int, do func(worker, first, last int)) {
	size := max(min((n+workers-1)/workers, most), 1)
	parallel(workers, (n+size-1)/size, func(worker, i int) { do(worker, i*size, min((i+1)*size, n)) })
}
