// Package apitest compares the requests and answers of a service with the description of the API.
package apitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/harvest-ml/harvest/shared/api"
)

// Document reads and validates the description.
var Document = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(api.Description())
	if err != nil {
		return nil, fmt.Errorf("reading openapi.yaml: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return document, nil
})

var router = sync.OnceValues(func() (routers.Router, error) {
	document, err := Document()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(document)
})

// Described wraps a handler. It fails the test if a request that the handler accepts, or any answer, differs from the
// description. It buffers each answer in memory.
func Described(t testing.TB, handler http.Handler) http.Handler {
	t.Helper()
	paths, err := router()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: reading the request: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if err := compare(paths, r, body, answer); err != nil {
			t.Errorf("%s %s %.200s was answered %d %.2000s, unlike openapi.yaml: %v",
				r.Method, r.URL, body, answer.Code, answer.Body, err)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // an error means that the client has disconnected
	})
}

// compare compares a request and its answer with the description.
func compare(paths routers.Router, r *http.Request, body []byte, answer *httptest.ResponseRecorder) error {
	request := r.Clone(context.Background())
	if r.Method == http.MethodHead {
		request.Method = http.MethodGet
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > 0 && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	route, parameters, err := paths.FindRoute(request)
	if err != nil {
		return undescribed(err, answer)
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: parameters, Route: route, Options: options,
	}
	if answer.Code < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(request.Context(), input); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if r.Method == http.MethodHead {
		return nil // the answer to HEAD has no body
	}
	err = openapi3filter.ValidateResponse(request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.Code, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())), Options: options,
	})
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

// undescribed checks the answer to a call that is not described: it must be a problem with status 404 or 405.
func undescribed(err error, answer *httptest.ResponseRecorder) error {
	if answer.Code != http.StatusNotFound && answer.Code != http.StatusMethodNotAllowed {
		return fmt.Errorf("the call is not described: %w", err)
	}
	if answer.Code == http.StatusMethodNotAllowed && answer.Header().Get("Allow") == "" {
		return errors.New("the answer has no header Allow")
	}
	return nil
}
