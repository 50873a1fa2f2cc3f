package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A drain is a handler that can wait for its running requests and cancel them. functions-framework can do neither.
type drain struct {
	http.Handler
	over context.Context // when it ends, running requests are cancelled

	mu     sync.Mutex
	atWork int
	idle   chan struct{} // closed when no request is running; nil if no caller waits
}

func (d *drain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.add(1)
	defer d.add(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(d.over, cancel)()
	d.Handler.ServeHTTP(w, r.WithContext(ctx))
}

func (d *drain) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.atWork += n; d.atWork == 0 && d.idle != nil {
		close(d.idle)
		d.idle = nil
	}
}

// wait waits until no request is running. It returns false if a request is still running after the time within. Only
// one caller at a time may wait.
func (d *drain) wait(within time.Duration) bool {
	d.mu.Lock()
	if d.atWork == 0 {
		d.mu.Unlock()
		return true
	}
	idle := make(chan struct{})
	d.idle = idle
	d.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-time.After(within):
		return false
	}
}
