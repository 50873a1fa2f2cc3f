// Package otlp exports traces and metrics by OTLP, apart from package telemetry so that only programs link its
// exporters.
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

// Config says where spans and measurements go. OpenTelemetry's other variables, such as
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS, are read by its SDK.
// Source: https://opentelemetry.io/docs/languages/sdk-configuration/
type Config struct {
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" meaning:"where traces and metrics go, by OTLP; none: nowhere"`
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

// Open makes the Telemetry of a process.
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

// client is nil where the exporters' own will do. Google's endpoint asks for the process's credentials.
// Source: https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
func (c Config) client(ctx context.Context) (*http.Client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".googleapis.com") {
		return nil, err
	}
	return google.DefaultClient(ctx, "https://www.googleapis.com/auth/cloud-platform")
}
