// Package otlp exports traces and metrics by OTLP. It is separate from package telemetry, so that only programs link
// the exporters.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/oauth2/google"
)

// Config has the destination of traces and metrics. OpenTelemetry's SDK reads its other variables, such as
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS. Source:
// https://opentelemetry.io/docs/languages/sdk-configuration/
type Config struct {
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" meaning:"OTLP endpoint of traces and metrics; none: no export"`
}

// Validate reports an endpoint that is not an HTTP URL.
func (c Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	if c.Endpoint != "" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "") {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %q is not a URL; give one such as http://localhost:4318 or "+
			"https://telemetry.googleapis.com", c.Endpoint)
	}
	return nil
}

// Open returns the Telemetry of a process.
func Open(ctx context.Context, c Config) (*telemetry.Telemetry, error) {
	if c.Endpoint == "" {
		return telemetry.New(nil, nil)
	}
	client, err := c.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("exporting to %s: %w", c.Endpoint, err)
	}
	var traceOptions []otlptracehttp.Option
	var metricOptions []otlpmetrichttp.Option
	if client != nil {
		traceOptions = append(traceOptions, otlptracehttp.WithHTTPClient(client))
		metricOptions = append(metricOptions, otlpmetrichttp.WithHTTPClient(client))
	}
	spans, errSpans := otlptracehttp.New(ctx, traceOptions...)
	metrics, errMetrics := otlpmetrichttp.New(ctx, metricOptions...)
	if err := errors.Join(errSpans, errMetrics); err != nil {
		return nil, fmt.Errorf("exporting to %s: %w", c.Endpoint, err)
	}
	return telemetry.New(sdktrace.WithBatcher(spans), sdkmetric.NewPeriodicReader(metrics))
}

// client returns an HTTP client with the process's credentials, which Google's endpoint requires. It is nil for other
// endpoints: the exporters then use their own client. Source:
// https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
func (c Config) client(ctx context.Context) (*http.Client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".googleapis.com") {
		return nil, err
	}
	return google.DefaultClient(ctx, "https://www.googleapis.com/auth/cloud-platform")
}
