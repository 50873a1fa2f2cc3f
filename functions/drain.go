package main

import (
	"net/http"
	"sync"
	"time"
)

// A drain is a handler whose requests can be waited for: functions-framework does not.
type drain struct {
	http.Handler

	mu     sync.Mutex
	atWork int
	idle   chan struct{} // closed when none is at work, if somebody waits
}

func (d *drain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.add(1)
	defer d.add(-1)
	d.Handler.ServeHTTP(w, r)
}

func (d *drain) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.atWork += n; d.atWork == 0 && d.idle != nil {
		close(d.idle)
		d.idle = nil
	}
}

// wait tells whether no request is at work, now or within a time. It is called once.
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
