//go:build faults

package faults_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/events"
	"google.golang.org/grpc/codes"
)

const (
	// slowness is the delay of a slow request.
	slowness = 300 * time.Millisecond
	// hanging is the time for which a hanging request gets no answer. Clients wait for minutes: clients of storage for
	// the whole delivery, 540 s, and clients of sidecars for 300 s.
	hanging = 8 * time.Second
)

// wrap returns a handler in front of a server. It injects faults into the requests for which belongs is true.
func (s *system) wrap(at place, belongs func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(handler http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !belongs(r) {
				handler.ServeHTTP(w, r)
				return
			}
			s.handle(w, r, handler, s.injector.next(at))
		})
	}
}

// handle answers a request with a fault.
func (s *system) handle(w http.ResponseWriter, r *http.Request, handler http.Handler, f fault) {
	switch f {
	case tooMany:
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return
	case failed:
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	case unavailable:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	case reset:
		panic(http.ErrAbortHandler)
	case slow:
		time.Sleep(slowness)
	case hang:
		wait(r.Context())
	case killBefore, newVersion:
		s.end(f)
	default: // the fault is in the answer
	}
	if f != lostAnswer && f != truncated && f != wrongCount && f != notANumber {
		handler.ServeHTTP(w, r)
		if f == killAfter {
			s.end(f)
		}
		return
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	body := answer.Body.String()
	switch f {
	case lostAnswer:
		panic(http.ErrAbortHandler)
	case wrongCount:
		body = strings.Replace(body, `"items":[`, `"items":[{"answers":[]},`, 1)
	case notANumber:
		body = strings.Replace(body, `"mass":`, `"mass":NaN,"was":`, 1)
	default: // the answer is cut off
	}
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	if f != truncated {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(answer.Code)
	if f == truncated {
		body = body[:len(body)/2]
	}
	if _, err := w.Write([]byte(body)); err != nil || f == truncated {
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// wait hangs until the client gives up, or for the duration hanging.
func wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(hanging):
	}
}

// answerPublication returns the fault of a publication; nil for no fault.
func (s *system) answerPublication() *local.PublishFault {
	switch s.injector.next(publish) {
	case tooMany:
		return &local.PublishFault{Code: codes.ResourceExhausted}
	case failed:
		return &local.PublishFault{Code: codes.Internal}
	case unavailable:
		return &local.PublishFault{Code: codes.Unavailable}
	case lostAnswer:
		return &local.PublishFault{Code: codes.Unavailable, Accepted: true}
	default:
		return nil
	}
}

// ofProcesses reports whether a request to storage comes from the processes. Uploads come from this program.
func ofProcesses(r *http.Request) bool {
	uploads := strings.Contains(r.URL.Path, "/b/"+local.InputBucket+"/") && r.Method != http.MethodGet
	return !uploads
}

// deliver injects faults into the deliveries of messages.
func (s *system) deliver(next queue.Push) queue.Push {
	return func(ctx context.Context, e events.Envelope) (int, error) {
		f := s.injector.next(push)
		switch f {
		case tooMany:
			return http.StatusTooManyRequests, nil
		case unavailable:
			return http.StatusServiceUnavailable, nil
		case reset:
			return 0, errors.New("connection reset")
		case hang: // the message is redelivered while it is handled, or later
			wait(ctx)
		case killBefore:
			s.end(f)
		case killAfter: // the process is killed while it handles the message
			go func() {
				time.Sleep(5 * time.Millisecond)
				s.end(f)
			}()
		default: // the answer is lost, or there is no fault
		}
		status, err := next(ctx, e)
		if f == lostAnswer {
			return 0, errors.New("connection reset")
		}
		return status, err
	}
}
