package api_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
)

// TestProxyFault sends incomplete bodies to a proxy. The answer says whether the client or the service is the cause.
func TestProxyFault(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the body is cut off
	}))
	defer behind.Close()
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = api.ProxyFault
	front := httptest.NewUnstartedServer(api.WatchBody(proxy))
	front.Config.ReadTimeout = 300 * time.Millisecond
	front.Start()
	defer front.Close()
	for name, tc := range map[string]struct {
		request string
		cut     bool // the client ends its stream
		status  int
	}{
		"chunks": {"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", false, http.StatusBadRequest},
		"cut":    {"Content-Length: 10\r\n\r\n{", true, http.StatusBadRequest},
		"slow":   {"Content-Length: 10\r\n\r\n{", false, http.StatusRequestTimeout},
	} {
		conn, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\n"+tc.request); err != nil {
			t.Fatal(err)
		}
		if tc.cut {
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var problem api.Problem
		err = json.NewDecoder(response.Body).Decode(&problem)
		if err != nil || response.StatusCode != tc.status || !strings.Contains(problem.Detail, "body") ||
			response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %+v (%v), want %d", name, response.Status, problem, err, tc.status)
		}
		_, _ = response.Body.Close(), conn.Close()
	}
	behind.Close()
	response, err := http.Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadGateway || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a proxy without a service answers %s, %s", response.Status, response.Header.Get("Content-Type"))
	}
}
