package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A spanCollector receives spans by OTLP over HTTP.
type spanCollector struct {
	url string

	mu       sync.Mutex
	traces   map[string]bool // ids of traces
	services map[string]bool
	spans    map[string]bool // names of spans
}

func newCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{traces: map[string]bool{}, services: map[string]bool{}, spans: map[string]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *spanCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/traces" {
		return // a request with metrics
	}
	var export collector.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range export.ResourceSpans {
		for _, attribute := range resource.Resource.Attributes {
			if attribute.Key == "service.name" {
				c.services[attribute.Value.GetStringValue()] = true
			}
		}
		for _, spans := range resource.ScopeSpans {
			for _, span := range spans.Spans {
				c.traces[trace.TraceID(span.TraceId).String()] = true
				c.spans[span.Name] = true
			}
		}
	}
}

// check waits until services have exported spans, and checks that all are of one run's trace.
func (c *spanCollector) check(t *testing.T, run string, services ...string) {
	t.Helper()
	until(t, "spans of "+strings.Join(services, ", "), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !slices.ContainsFunc(services, func(name string) bool { return !c.services[name] })
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff([]string{telemetry.TraceID(run).String()}, slices.Sorted(maps.Keys(c.traces))); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
}

func (c *spanCollector) names() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.spans)
}
