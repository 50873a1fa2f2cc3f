package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// Every test closes its servers and connections. So goroutines that are left at the end are leaks of this package.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is a sidecar whose ratings are a function of the prompt. Its fields configure faults.
type fake struct {
	*httptest.Server
	models map[string]string
	limits limits
	speaks int // version of the protocol

	// refuse, if set, may answer a request to a path in place of the fake; it reports whether it did. A
	// panic with http.ErrAbortHandler ends the connection.
	refuse func(w http.ResponseWriter, path string, asked []item) bool
	// change, if set, changes an answer before it is sent.
	change func(*response)

	mu      sync.Mutex
	batches [][]item // items of the answered requests
	tries   int      // number of requests to score
	running int
	most    int // largest number of concurrent requests
}

func newFake(t testing.TB, changes ...func(*fake)) *fake {
	t.Helper()
	f := &fake{
		models: map[string]string{"scorer": "s-1", "styler": "t-1"},
		limits: limits{Items: 256, Bytes: 64 << 20, Queries: 64},
		speaks: protocol,
	}
	for _, change := range changes {
		change(f)
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked request
	if r.URL.Path == "/v1/score" {
		defer f.enter()()
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&asked); err != nil || r.Method != http.MethodPost ||
			r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, fmt.Sprint("malformed: ", err), http.StatusUnprocessableEntity)
			return
		}
	}
	if f.refuse != nil && f.refuse(w, r.URL.Path, asked.Items) {
		return
	}
	switch r.URL.Path {
	case "/healthz":
		write(w, map[string]string{"status": "ready"})
	case "/v1/models":
		write(w, models{Protocol: f.speaks, Models: f.models})
	case "/v1/limits":
		write(w, f.limits)
	case "/v1/score":
		write(w, f.answer(asked.Items))
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) enter() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	f.running++
	f.most = max(f.most, f.running)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.running--
	}
}

func (f *fake) answer(items []item) response {
	r := response{Models: maps.Clone(f.models)}
	for _, it := range items {
		var queries []query
		if err := json.Unmarshal(it.Queries, &queries); err != nil {
			panic(err)
		}
		o := outcome{Flags: []string{}}
		if len(it.Images) == 0 {
			o.Flags = append(o.Flags, "off_reference")
		}
		for _, q := range queries {
			digit := fakeRating(prompt(it, q))
			if q.Choices != nil {
				o.Answers = append(o.Answers, sure(digit))
				continue
			}
			text := "yes/no, comparison"
			o.Answers = append(o.Answers, answer{Text: &text})
		}
		r.Items = append(r.Items, o)
	}
	f.mu.Lock()
	f.batches = append(f.batches, items)
	f.mu.Unlock()
	if f.change != nil {
		f.change(&r)
	}
	return r
}

// prompt returns the prompt of a query, with a mark at each image.
func prompt(it item, q query) string { return strings.Join(it.Prefix, dataset.ImageMark) + q.Text }

// sizes returns the numbers of items in the answered requests, in ascending order.
func (f *fake) sizes() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sizes []int
	for _, b := range f.batches {
		sizes = append(sizes, len(b))
	}
	slices.Sort(sizes)
	return sizes
}

// fakeRating returns the digit with which a fake answers a prompt.
func fakeRating(prompt string) int {
	h := fnv.New32a()
	h.Write([]byte(prompt))
	return int(h.Sum32() % 6)
}

// sure returns an answer in which one digit has probability 0.9, and each other digit 0.01.
func sure(digit int) answer {
	p := [6]float64{0.01, 0.01, 0.01, 0.01, 0.01, 0.01}
	p[digit] = 0.9
	return over(fmt.Sprint(digit), p)
}

func over(argmax string, probabilities [6]float64) answer {
	a := answer{Argmax: &argmax, Mass: new(float64)}
	for _, p := range probabilities {
		a.Logprobs = append(a.Logprobs, math.Log(p))
		*a.Mass += p
	}
	return a
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // in some tests the client has disconnected
}

// hangUp ends the connection during a request, like a process that is killed.
func hangUp() { panic(http.ErrAbortHandler) }

// options returns options for tests. They have their own connections, which are closed at the end, and short waits.
func options(t testing.TB) Options {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return Options{
		Client: &http.Client{Transport: transport}, Timeout: 10 * time.Second, Retry: remote.Retry{MaxWait: 10 * time.Second},
	}
}

func openAt(t testing.TB, address string, o Options) *Scorer {
	t.Helper()
	at, err := ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(at, o).Open(t.Context(), rubric.Default())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pool returns n samples with one image each and different questions.
func pool(n int) []scorer.Item {
	items := make([]scorer.Item, n)
	for i := range items {
		items[i] = scorer.Item{
			Sample: &dataset.Sample{
				ID: fmt.Sprint(i), Images: []dataset.Image{{Name: fmt.Sprintf("%d.png", i)}},
				Turns: []dataset.Turn{
					dataset.NewTurn(dataset.Human, fmt.Sprintf("<image>\nWhat is <b>%d</b> & \"é\"?", i), 1),
					dataset.NewTurn(dataset.Model, "Nothing.", 0),
				},
			},
			Images: [][]byte{fmt.Appendf(nil, "image %d", i)},
		}
	}
	return items
}

// textOnly returns an item without its image.
func textOnly(it scorer.Item) scorer.Item {
	sample := *it.Sample
	sample.Images = nil
	sample.Turns = []dataset.Turn{
		dataset.NewTurn(dataset.Human, "Is it so?", 0), dataset.NewTurn(dataset.Model, "It is.", 0),
	}
	return scorer.Item{Sample: &sample}
}

// wrong compares results with the answers of a working fake. It ignores the excused samples.
func wrong(items []scorer.Item, results []scorer.Result, excused ...int) error {
	r := rubric.Default()
	if len(results) != len(items) {
		return fmt.Errorf("%d results for %d samples", len(results), len(items))
	}
	for i, res := range results {
		if slices.Contains(excused, i) {
			continue
		}
		if res.Reason != "" {
			return fmt.Errorf("sample %d was recorded as failed: %s", i, res.Reason)
		}
		for c, prompt := range r.PromptsFor(items[i].Sample.Texts())[:len(r.Capabilities)] {
			if want := fakeRating(prompt); int(res.Ratings[c]) != want {
				return fmt.Errorf("sample %d has rating %d for %s, want %d", i, res.Ratings[c], r.Capabilities[c], want)
			}
		}
	}
	return nil
}

// has reports whether a batch contains the sample with this number.
func has(asked []item, sample int) bool {
	return slices.ContainsFunc(asked, func(it item) bool {
		return strings.Contains(strings.Join(it.Prefix, ""), fmt.Sprintf("<b>%d</b>", sample))
	})
}

// away returns an address at which no process listens yet, and a function that makes the fake listen there.
func away(t testing.TB, f *fake) (address string, arrive func()) {
	t.Helper()
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := reserved.Addr().String()
	if err := reserved.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + at, func() {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", at)
		if err != nil {
			t.Error(err)
			return
		}
		server := &http.Server{Handler: f}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
	}
}

// newGuard returns the URL of a proxy before a fake that requires a bearer token.
func newGuard(t testing.TB, f *fake, token string) string {
	t.Helper()
	guard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(guard.Close)
	return guard.URL
}
