// The functions of Harvest in one binary. FUNCTION_TARGET chooses the function that a process serves.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/harvest-ml/harvest/shared/telemetry/otlp"
	"github.com/sethvargo/go-envconfig"
	"go.opentelemetry.io/otel"
)

func main() {
	log := newLog(os.Stderr, os.Getenv("GOOGLE_CLOUD_PROJECT"))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := serve(ctx, log)
	stop()
	if err != nil {
		log.Error("harvest functions stopped", "error", err)
		os.Exit(1)
	}
}

// Cloud Run kills a process 10 s after it has sent SIGTERM. Running deliveries may take drainTime of the 10 s. Then
// they are cancelled, and have endTime to release their resources.
const (
	drainTime = 6 * time.Second
	endTime   = 2 * time.Second
)

// serve serves until ctx ends, and then waits for running requests. Deliveries that do not end in time are redelivered.
func serve(ctx context.Context, log *slog.Logger) error {
	cfg, limits, err := readConfig(ctx, envconfig.OsLookuper())
	if err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	// Deliveries that run after ctx has ended still need the clients.
	background := context.WithoutCancel(ctx)
	sys, err := openSystem(background, cfg, limits, log)
	if err != nil {
		return err
	}
	handler, err := newHandler(background, cfg, sys, log)
	if err != nil {
		return err
	}
	tracing, err := otlp.Open(background, cfg.Telemetry)
	if err != nil {
		return err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("traces or metrics were not exported", "error", err)
	}))
	over, end := context.WithCancel(background)
	defer end()
	atWork := &drain{Handler: tracing.Handler(handler), over: over}
	functions.HTTP(cfg.Target, atWork.ServeHTTP)
	failed := make(chan error, 1)
	go func() { failed <- funcframework.StartHostPort(cfg.Host, cfg.Port) }()
	select {
	case err = <-failed:
		err = fmt.Errorf("serving %s: %w", cfg.Target, err)
	case <-ctx.Done():
		if !atWork.wait(drainTime) {
			end()
			atWork.wait(endTime)
			log.Warn("stopped before all deliveries were done; the others will be redelivered")
		}
	}
	last, cancel := context.WithTimeout(background, time.Second)
	defer cancel()
	if lost := tracing.Close(last); lost != nil {
		log.Warn("traces or metrics were lost", "error", lost)
	}
	return err
}
