package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	// startPatience is the maximum time until a new process answers requests.
	startPatience = time.Minute
	// restartAfter is the pause before the restart of a process that has ended.
	restartAfter = 200 * time.Millisecond
	// stopPatience is the maximum time that a process may take to end, as on Cloud Run.
	stopPatience = 10 * time.Second
)

// A process runs one function of the binary, and is started again if it ends, like a service of Cloud Run.
type process struct {
	name, binary string
	environ      []string
	addr         string
	output       io.Writer
	log          *slog.Logger
}

func (p *process) url() string { return "http://" + p.addr }

// freeAddr returns a free address on a host.
func freeAddr(host string) (string, error) {
	free, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	return free.Addr().String(), free.Close()
}

// keep runs the process until ctx ends, and starts it again whenever it ends by itself. It calls ready once, when the
// process first answers. If the process never answers, keep returns an error.
func (p *process) keep(ctx context.Context, ready func()) error {
	// Linux ends a process when the thread that started the process ends. So this thread must exist as long as the
	// process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for first := true; ; first = false {
		cmd := exec.CommandContext(ctx, p.binary)
		cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.environ, p.output, p.output, endsWithParent()
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = stopPatience
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("starting %s: %w", p.name, err)
		}
		p.log.Info("process runs", "function", p.name, "pid", cmd.Process.Pid, "url", p.url())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if first {
			if err := p.answers(ctx, ended); err != nil {
				_ = cmd.Process.Kill() // the process may have ended already
				return err
			}
			ready()
		}
		err := <-ended
		if ctx.Err() != nil {
			return nil
		}
		p.log.Warn("process ended; starting it again", "function", p.name, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartAfter):
		}
	}
}

// answers waits until the process is healthy.
func (p *process) answers(ctx context.Context, ended chan error) error {
	late := fmt.Errorf("%s does not answer within %s", p.name, startPatience)
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, late)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url()+"/healthz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return nil
			}
		}
		select {
		case err := <-ended:
			ended <- err
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return errors.Join(fmt.Errorf("process %s ended before it answered; its log has the reason", p.name), err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
