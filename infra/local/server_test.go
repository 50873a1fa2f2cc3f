package local

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSlowClient has a client that sends its request too slowly, and a client that waits long for its answer. The
// server closes only the connection of the first client.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	const factor = 100 // times are divided by this factor
	answered := make(chan error, 2)
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err == nil {
			select {
			case <-r.Context().Done():
				err = context.Cause(r.Context())
			case <-time.After(3 * readTimeout / factor):
			}
		}
		answered <- err
	}))
	server.ReadTimeout /= factor
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // Close ends it
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nnot all")
	select {
	case err := <-answered:
		if err == nil {
			t.Error("an incomplete request was answered")
		}
	case <-time.After(time.Minute):
		t.Fatal("the server waits for a client that sends nothing more")
	}
	resp, err := http.Post("http://"+listener.Addr().String(), "text/plain", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := <-answered; err != nil {
		t.Errorf("a long answer was cut off: %v", err)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	listener, hosts, err := listen("localhost:0", []string{"farm.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	handler := hosts.Guard(http.NotFoundHandler())
	for host, status := range map[string]int{
		"localhost": 404, listener.Addr().String(): 404, "farm.example": 404, "evil.example": 421,
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != status {
			t.Errorf("%s: answered %d, want %d", host, answer.Code, status)
		}
	}
	for _, tt := range []struct {
		address string
		allowed []string
		says    string
	}{
		{"8080", nil, `--listen "8080": `},
		{listener.Addr().String(), nil, `--listen "` + listener.Addr().String() + `": `},
		{"127.0.0.1:0", []string{"http://farm.example"}, `--allow-host "http://farm.example": `},
	} {
		if _, _, err := listen(tt.address, tt.allowed); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v, want one with %s", tt.address, err, tt.says)
		}
	}
}
