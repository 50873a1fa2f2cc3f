package curate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/api/access"
	"github.com/harvest-ml/harvest/shared/api/docs"
	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// maxBody is the largest body of an API request, in bytes.
const maxBody = 1 << 20

// retryAfter returns the time after which a caller should retry, if the scorer cannot be reached, the run is still
// being planned, or other selections wait. It is 0 for any other error.
func retryAfter(status int, err error) time.Duration {
	switch {
	case status == http.StatusServiceUnavailable, errors.Is(err, run.ErrPlanning):
		return 30 * time.Second
	case status == http.StatusTooManyRequests:
		return 5 * time.Second
	}
	return 0
}

type server struct {
	runs    *run.Reader
	planner *run.Planner
	worker  *run.Worker
	subsets *subset.Selector
	samples *browse.Reader
	pairs   *review.Pairs
	reviews *review.Store
	memory  *memory.Budget

	reconciler *subset.Reconciler
	docs       func() (*docs.Pages, error) // makes the pages once, at the first call
	site       *site.Site
	commands   report.Commands
	log        *slog.Logger
	iamCallers bool
}

// A call answers requests of one method to one path.
type call func(*http.Request) (answer, error)

// An answer is the response to a call. location is the path at which a client can follow the progress of accepted work.
// body is written as JSON, unless it is a file or a download.
type answer struct {
	status   int
	location string
	body     any
}

// A file is a body that is sent unchanged. policy is the content-security policy of a page. cache and tag are the
// headers Cache-Control and ETag of a body that browsers may keep. Each may be empty.
type file struct {
	contentType string
	content     []byte
	policy      string
	cache, tag  string
}

func (f file) write(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for name, value := range map[string]string{
		"Content-Security-Policy": f.policy, "Cache-Control": f.cache, "ETag": f.tag,
	} {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(status)
	if status != http.StatusNotModified {
		_, _ = w.Write(f.content) // an error means that the client has disconnected
	}
}

// answer returns a handler that writes the answer of a call, or its error as a problem.
func (s server) answer(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, ended := trace(r)
		if s.iamCallers {
			ctx = run.WithCaller(ctx, access.Caller(r))
		}
		ans, err := c(r.WithContext(ctx))
		ended(err)
		if err == nil {
			err = ans.write(w)
		}
		if broken, ok := errors.AsType[brokenOff](err); ok {
			s.log.ErrorContext(ctx, "a download was broken off", "path", r.URL.Path, "error", broken.error)
			return
		}
		if err == nil {
			return
		}
		status := s.failed(r.WithContext(ctx), err)
		if after := retryAfter(status, err); after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
		}
		api.NewProblem(status, detailOf(err)).Write(w)
	}
}

// failed returns the HTTP status for the error of a request. It logs the error if its cause is the service.
func (s server) failed(r *http.Request, err error) int {
	status := statusOf(err)
	gone := r.Context().Err() != nil && errors.Is(err, context.Canceled) // the client has disconnected
	if status == http.StatusInternalServerError && !gone {
		s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	return status
}

// write writes the answer. It returns an error only if it has written nothing.
func (a answer) write(w http.ResponseWriter) error {
	if d, ok := a.body.(download); ok {
		return d.writeTo(w)
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	switch body := a.body.(type) {
	case nil:
		w.WriteHeader(a.status)
	case file:
		body.write(w, a.status)
	default:
		api.WriteJSON(w, "application/json", a.status, body)
	}
	return nil
}

// trace begins the span of a call that changes a run. Calls that only read have no span, because they would fill the
// trace.
func trace(r *http.Request) (context.Context, func(error)) {
	id, verb, _ := strings.Cut(r.PathValue("run"), ":")
	if id == "" || r.Method != http.MethodPost {
		return r.Context(), func(error) {}
	}
	return telemetry.Start(r.Context(), id, "api "+cmp.Or(verb, "select"), "", oteltrace.SpanKindServer)
}

// decode reads a JSON body into v. It refuses unknown and repeated fields. An empty body leaves v unchanged.
func decode(r *http.Request, v any) error {
	err := decodeJSON(r.Body, v)
	if err == nil {
		return nil
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return api.NewProblem(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the request's body is longer than %d bytes; send a shorter one", large.Limit))
	}
	if fault := api.BodyProblem(err); fault != nil {
		return fault
	}
	text := spelling.JSON(err, v).Error()
	if _, ofRun := v.(*run.Spec); ofRun && strings.HasPrefix(text, `unknown field "budgets"`) {
		text = `unknown field "budgets": a run has one budget; POST /v1/runs/{run}/selections accepts budgets`
	}
	return api.NewProblem(http.StatusBadRequest, "reading the request's body: "+text)
}

func decodeJSON(body io.Reader, v any) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return &api.BodyError{Err: err}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	var more json.RawMessage
	if err := dec.Decode(&more); err == nil {
		return errors.New("text follows the JSON value; send one JSON value")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	data = bytes.TrimSpace(data)
	if jsontext.TypeOf(data) == jsontext.Object { // null leaves v unchanged
		known := spelling.Fields(v, "json")
		for _, key := range jsontext.Members(jsontext.Items(data)).Keys() {
			if !slices.Contains(known, key) { // the decoder ignores case
				return fmt.Errorf("json: unknown field %q", key)
			}
		}
	}
	if key := jsontext.Twice(data); key != "" {
		return fmt.Errorf("the field %s is given twice; give it once", jsontext.Quote(key, 100))
	}
	return nil
}
