// Package remote has the common parts of clients of inference servers. It decides which errors are transient and how
// long to wait for a server, and finds a sample that makes a server fail.
package remote

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A LaterError reports that a server accepts no requests now, or cannot be reached.
type LaterError struct {
	Err   error
	After time.Duration // the pause that the server requests; 0 if it requests no pause
}

// Error returns the message of Err.
func (e LaterError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e LaterError) Unwrap() error { return e.Err }

// A BrokenError reports that a request was begun but not answered, because the server died, failed or stalled.
type BrokenError struct{ Err error }

// Error returns the message of Err.
func (e BrokenError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e BrokenError) Unwrap() error { return e.Err }

// IsBroken reports whether an error is a BrokenError.
func IsBroken(err error) bool {
	_, broken := errors.AsType[BrokenError](err)
	return broken
}

// TransportError returns the error for a request without an answer: a LaterError if the server was not reached,
// otherwise a BrokenError. server is the server's name in the message.
func TransportError(server string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return LaterError{Err: fmt.Errorf("%s cannot be reached: %w", server, err)}
	}
	return BrokenError{fmt.Errorf("%s did not answer: %w", server, err)}
}

// statusOverloaded is a status that some servers send in place of 503.
const statusOverloaded = 529

// StatusError returns the error for an answer with a status other than 200: a LaterError, a BrokenError, or refused.
// refused is the client's error for a request that the server will never answer.
func StatusError(status int, header http.Header, refused error) error {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, statusOverloaded:
		return LaterError{Err: refused, After: RetryAfter(header)}
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return BrokenError{refused}
	}
	if status >= http.StatusInternalServerError {
		return BrokenError{refused}
	}
	return refused
}

// maxRetryAfter is the upper limit of the pause that a server can request. A longer pause is ignored.
const maxRetryAfter = 1_000_000 * time.Second

// RetryAfter returns the pause of the header Retry-After. The header has a date, or a number of seconds, which some
// servers send with a fraction. RetryAfter returns 0 if the header is missing or malformed, if its date is in the past,
// or if the pause is a million seconds or more.
func RetryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds >= 0 && seconds < maxRetryAfter.Seconds() {
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	if date, err := http.ParseTime(text); err == nil {
		if after := time.Until(date); after > 0 && after < maxRetryAfter {
			return after
		}
	}
	return 0
}

// maxQuote is the largest part of a server's message that an error quotes, in bytes.
const maxQuote = 300

// Quote returns the beginning of a server's message, to be quoted in an error.
func Quote(words string) string {
	words = strings.TrimSpace(words)
	return strings.ToValidUTF8(words[:min(len(words), maxQuote)], "")
}
