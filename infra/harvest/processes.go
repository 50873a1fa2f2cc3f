package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// functionsPackage is the package of the functions' image.
const functionsPackage = "github.com/harvest-ml/harvest/functions"

// serveProcesses runs each function in a separate process until ctx ends.
func serveProcesses(ctx context.Context, f serveFlags, to streams) error {
	if f.Work != "" {
		return usageError{
			errors.New("--state: with --processes the work bucket is in memory, and is lost when the command ends; remove " +
				"--state"),
		}
	}
	options := local.ProcessOptions{
		Binary: f.binary, Listen: f.listen, AllowHosts: f.allowHosts, Output: to.log, Reconcile: reconcileEvery,
		Log: slog.New(slog.NewTextHandler(to.log, nil)), OnEvent: (&eventPrinter{out: to.out}).print,
	}
	var err error
	if options.Scorers, err = scorersByEnvironment(); err != nil {
		return err
	}
	if f.scorer.scorer != "" {
		if options.Scorer, options.Scorers, err = f.scorer.choose(kinds.Config{}); err != nil {
			return err
		}
	}
	var input bucket.Reader
	if f.Input != "" {
		if strings.HasPrefix(f.Input, "gs://") {
			return usageError{fmt.Errorf("--input %s: with --processes it has to be a folder", f.Input)}
		}
		if input, err = openInput(ctx, f.Input, false); err != nil {
			return err
		}
	}
	if options.Binary == "" {
		dir, err := os.MkdirTemp("", "harvest-functions-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if options.Binary, err = buildFunctions(ctx, dir); err != nil {
			return err
		}
	}
	p, err := local.StartProcesses(ctx, options)
	if err != nil {
		return err
	}
	options.Log.Info("harvest serves processes", "api", p.URL+api.RunsPath, "STORAGE_EMULATOR_HOST", p.StorageAddr,
		"input", "gs://"+local.InputBucket, "work", "gs://"+local.WorkBucket,
		"PUBSUB_EMULATOR_HOST", p.PubSubAddr, "project", local.Project)
	if input == nil {
		<-p.Context().Done()
		err = p.Context().Err()
	} else {
		err = watch(p.Context(), input, options.Log, newMirror(input, p.Input).upload)
	}
	if closed := p.Close(); ctx.Err() == nil && closed != nil {
		return closed
	}
	if ctx.Err() != nil {
		return errForgotten
	}
	return err
}

// errForgotten is the error if the user stops serve --processes. It says that the state is lost.
var errForgotten = errors.New("stopped; its buckets were in memory, and their content is lost")

// buildFunctions builds the functions' binary.
func buildFunctions(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "functions")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, functionsPackage)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the functions: %w: %s; "+
			"run this in Harvest's repository, or name a binary with --functions", err, output)
	}
	return binary, nil
}
