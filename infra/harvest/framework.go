package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/harvest-ml/harvest/shared/api"
)

// mountFramework serves handlers through functions-framework, as in the cloud. The framework's own server has no
// timeouts. So it listens on a private port, and the returned handler is a proxy in front of it. Call it only once in a
// process, because the framework's registry is global.
func mountFramework(handlers map[string]http.Handler) (http.Handler, error) {
	for path, h := range handlers {
		if err := funcframework.RegisterHTTPFunctionContext(context.Background(), path, h.ServeHTTP); err != nil {
			return nil, fmt.Errorf("registering %s: %w", path, err)
		}
	}
	const host = "127.0.0.1"
	free, err := net.Listen("tcp", host+":0")
	if err != nil {
		return nil, err
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() { failed <- funcframework.StartHostPort(host, strconv.Itoa(port)) }()
	address := net.JoinHostPort(host, strconv.Itoa(port))
	if err := waitListening(address, failed); err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	// Callers get every error. Do not log errors: at the end of a command, open calls end with errors that do not
	// matter.
	proxy.ErrorLog, proxy.ErrorHandler = log.New(io.Discard, "", 0), api.ProxyFault
	return api.WatchBody(proxy), nil
}

// waitListening waits until a server accepts connections.
func waitListening(address string, failed <-chan error) error {
	for range 500 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-failed:
			return fmt.Errorf("starting functions-framework: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("starting functions-framework: nothing listens on %s", address)
}
