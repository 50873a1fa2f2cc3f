package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
)

// A BodyError is the error of a request's body that did not arrive completely.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "reading the request's body: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Err }

// BodyProblem returns the answer to a request whose body did not arrive completely. It is nil for other errors, and for
// a body that is too large.
func BodyProblem(err error) *Problem {
	body, ok := errors.AsType[*BodyError](err)
	if _, large := errors.AsType[*http.MaxBytesError](err); !ok || large {
		return nil
	}
	switch {
	case errors.Is(body.Err, os.ErrDeadlineExceeded):
		return NewProblem(http.StatusRequestTimeout, "the request's body did not arrive in time; send it without pauses")
	case errors.Is(body.Err, io.ErrUnexpectedEOF):
		return NewProblem(http.StatusBadRequest, "the request's body is shorter than its Content-Length; send the whole body")
	}
	return NewProblem(http.StatusBadRequest, body.Error()+"; send a valid HTTP body")
}

// WatchBody records errors of reading a request's body for ProxyFault, because the proxy may report a different error.
func WatchBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			body := &watchedBody{ReadCloser: r.Body}
			r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

// bodyKey is the key of a watchedBody in the context of its request.
type bodyKey struct{}

type watchedBody struct {
	io.ReadCloser
	fault atomic.Pointer[BodyError]
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.fault.Store(&BodyError{err})
	}
	return n, err
}

// ProxyFault answers a request that a proxy could not forward. If reading the client's body failed, the answer has the
// problem of the body. Otherwise the answer is that the service behind the proxy does not answer.
func ProxyFault(w http.ResponseWriter, r *http.Request, _ error) {
	problem := NewProblem(http.StatusBadGateway, "the service behind this proxy does not answer; try again")
	if body, ok := r.Context().Value(bodyKey{}).(*watchedBody); ok {
		if fault := body.fault.Load(); fault != nil {
			problem = cmp.Or(BodyProblem(fault), problem)
		}
	}
	problem.Write(w)
}
