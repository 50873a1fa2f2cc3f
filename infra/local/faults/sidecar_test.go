//go:build faults

package faults_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// deadly is the text of a sample on which the sidecar always ends the connection.
const deadly = "What ends a process?"

// sidecarAddress is the same address for all sidecars, because the reason of the deadly sample contains it.
var sidecarAddress = sync.OnceValues(func() (string, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return free.Addr().String(), free.Close()
})

// serveSidecar serves a sidecar behind the proxy with faults, until the test or the round ends.
func serveSidecar(t *testing.T, disturb func(http.Handler) http.Handler) (url string, stop func()) {
	t.Helper()
	address, err := sidecarAddress()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0) // broken connections are among the faults
	server := &http.Server{Handler: disturb(http.HandlerFunc(answerAsSidecar)), ErrorLog: quiet}
	go func() { _ = server.Serve(listener) }() // stop ends it
	return "http://" + address, func() { server.Close() }
}

// answerAsSidecar implements the sidecar's protocol, version 2 (sidecar/README.md, "API"). Its ratings depend only on
// the prompts.
func answerAsSidecar(w http.ResponseWriter, r *http.Request) {
	models := map[string]string{"scorer": "scorer-1", "styler": "styler-1"}
	var answer any
	switch r.URL.Path {
	case "/healthz":
		answer = map[string]string{"status": "ready"}
	case "/v1/models":
		answer = map[string]any{"protocol": 2, "models": models}
	case "/v1/limits":
		answer = map[string]int{"items": 64, "bytes": 64 << 20, "queries": 64}
	case "/v1/score":
		var asked struct {
			Items []struct {
				Prefix  json.RawMessage
				Queries []struct {
					Text    string
					Choices []string
				}
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var items []any
		for _, item := range asked.Items {
			if strings.Contains(string(item.Prefix), deadly) {
				panic(http.ErrAbortHandler)
			}
			var answers []any
			for _, q := range item.Queries {
				if len(q.Choices) == 0 {
					answers = append(answers, map[string]any{"text": "yes/no, comparison"})
					continue
				}
				answers = append(answers, chosen(q.Choices, string(item.Prefix)+q.Text))
			}
			items = append(items, map[string]any{"answers": answers, "flags": []string{}})
		}
		answer = map[string]any{"models": models, "items": items}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a client that closed the connection is one of the faults
}

// chosen returns an answer with a probability of 1 for one choice. The prompt determines this choice.
func chosen(choices []string, prompt string) map[string]any {
	hash := fnv.New32a()
	fmt.Fprint(hash, prompt)
	likely := int(hash.Sum32() % uint32(len(choices)))
	logprobs := make([]float64, len(choices))
	mass := 0.0
	for i := range choices {
		p := 0.01
		if i == likely {
			p = 0.9
		}
		logprobs[i] = math.Log(p)
		mass += p
	}
	return map[string]any{"logprobs": logprobs, "mass": mass, "argmax": choices[likely]}
}
