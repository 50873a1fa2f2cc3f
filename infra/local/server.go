package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/api/access"
	"golang.org/x/sync/errgroup"
)

const (
	// readTimeout is the maximum time for sending a request. The body of a request has at most 1 MB.
	readTimeout = 30 * time.Second
	// closeTimeout is the maximum time until cancelled deliveries end.
	closeTimeout = 10 * time.Second
)

// newServer makes a server with timeouts against slow clients.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTimeout, WriteTimeout: queue.AckDeadline,
		IdleTimeout: time.Minute,
	}
}

// listen opens the listener of the API. It also returns the hosts by which clients may call the API: the host of the
// address, the resolved address, and the allowed names.
func listen(address string, allowed []string) (net.Listener, access.Hosts, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, access.Hosts{}, fmt.Errorf("--listen %q: %w; give an address such as 127.0.0.1:8080", address, err)
	}
	hosts, err := access.NewHosts(allowed...)
	if err != nil {
		return nil, access.Hosts{}, fmt.Errorf("--allow-host %w", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, access.Hosts{}, fmt.Errorf("--listen %q: %w", address, err)
	}
	resolved, _, err := net.SplitHostPort(listener.Addr().String())
	if host == "" {
		host = resolved // it listens on all addresses of the machine
	}
	if err == nil {
		hosts, err = access.NewHosts(append([]string{host, resolved}, allowed...)...)
	}
	if err != nil {
		return nil, access.Hosts{}, errors.Join(fmt.Errorf("--listen %w", err), listener.Close())
	}
	return listener, hosts, nil
}

// servers are HTTP servers that run in a group.
type servers struct{ all []*http.Server }

// serve serves a handler at a listener.
func (s *servers) serve(group *errgroup.Group, listener net.Listener, handler http.Handler) {
	server := newServer(handler)
	s.all = append(s.all, server)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving HTTP: %w", err)
		}
		return nil
	})
}

// close stops the servers. It waits a short time until all requests are answered.
func (s *servers) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	for _, server := range s.all {
		errs = append(errs, server.Shutdown(ctx))
	}
	return errors.Join(errs...)
}
