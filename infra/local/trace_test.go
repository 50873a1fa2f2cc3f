package local_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// TestTrace runs the demo in the system, with every message delivered twice, and calls the API. All spans are one trace
// with one root, and the parent of every other span exists.
func TestTrace(t *testing.T) {
	t.Parallel()
	spans, measured := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	tel, err := telemetry.New(sdktrace.WithSyncer(spans), measured)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, local.Options{Telemetry: tel, Faults: queue.Faults{Duplicate: 1}})
	id := s.complete(t)
	s.reaches(t, id, run.StateScored)
	var status subset.RunStatus
	s.call(t, http.MethodPost, "/v1/runs/"+id+":resume", "", &status)
	var sel struct{ ID string }
	s.call(t, http.MethodPost, "/v1/runs/"+id+"/selections", `{"budget": "10%"}`, &sel)
	made, err := http.PostForm(s.URL+"/runs/"+id+"/select", url.Values{"budget": {"20%"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Body.Close(); err != nil || made.StatusCode != http.StatusOK {
		t.Errorf("the form of a selection: %s, %v", made.Status, err)
	}
	ranges, shards := status.Progress.Ranges, status.Progress.Shards
	least := map[string]int{
		"accept": 2, "plan": 2, "range": 2 * ranges, "shard": 2 * shards, "part": 4 * ranges, "select": 2, "api resume": 1,
		"api select": 2, // one selection with the form of a page
	}
	until(t, "the spans of all deliveries, and the spans that caused them", func() bool {
		there, names := map[trace.SpanID]bool{}, map[string]int{}
		all := spans.GetSpans()
		for _, span := range all {
			there[span.SpanContext.SpanID()] = true
			names[span.Name]++
		}
		for name, n := range least {
			if names[name] < n {
				return false
			}
		}
		return !slices.ContainsFunc(all,
			func(span tracetest.SpanStub) bool { return span.Parent.IsValid() && !there[span.Parent.SpanID()] })
	})
	checkSpans(t, spans.GetSpans(), id)
	if diff := cmp.Diff(map[string]int64{"ok": demoSize, "failed": 0, "skipped": 0}, samplesOf(t, measured)); diff != "" {
		t.Errorf("samples counted (-want +got):\n%s", diff)
	}
}

// checkSpans checks that all spans are of the run's trace, and that the parent of each span is the span that caused it.
func checkSpans(t *testing.T, spans tracetest.SpanStubs, id string) {
	t.Helper()
	names := map[trace.SpanID]string{}
	for _, span := range spans {
		names[span.SpanContext.SpanID()] = span.Name
	}
	causes := map[string][]string{
		"plan": {"accept"}, "range": {"accept", "plan", "range"}, "shard": {"accept", "plan", "range", "shard"},
		"select": {"shard"}, "api select": {"accept"},
	}
	for _, span := range spans {
		parent := names[span.Parent.SpanID()]
		if cause := causes[span.Name]; cause != nil && !slices.Contains(cause, parent) {
			t.Errorf("span %s has the parent %s, want one of %s", span.Name, parent, cause)
		}
		if got := span.SpanContext.TraceID(); got != telemetry.TraceID(id) {
			t.Errorf("span %s is of trace %s", span.Name, got)
		}
		if span.Parent.IsValid() == (span.Name == "accept") {
			t.Errorf("span %s has parent %v", span.Name, span.Parent)
		}
	}
}

// samplesOf returns the values of the metric harvest.samples: the number of samples by status.
func samplesOf(t *testing.T, measured sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := measured.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	samples := map[string]int64{}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if m.Name != "harvest.samples" {
			continue
		}
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			status, _ := p.Attributes.Value("status")
			samples[status.AsString()] += p.Value
		}
	}
	return samples
}
