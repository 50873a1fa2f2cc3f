package kinds_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		choice, known string // known is the value of GPU_SIDECAR
		kind, address string
		want          string // part of the error
	}{
		{"embedded", "", "embedded", "", ""},
		{"gpu:http://a:1", "", "gpu", "http://a:1", ""},
		{"gpu:http://a:1", "http://b:2", "gpu", "http://a:1", ""},
		{"gpu:scorer=http://a:1,styler=http://b:2", "", "gpu", "scorer=http://a:1,styler=http://b:2", ""},
		{"gpu", "http://b:2", "gpu", "http://b:2", ""},
		{"gpu", "", "", "", "the sidecar's URL is not set"},
		{"gpu:", "http://b:2", "", "", "the sidecar's URL is not set"},
		{"gpu:a:1", "", "", "", "is not the URL of a sidecar"},
		{"http://a:1", "", "", "", "the kinds are embedded, gpu and llm"},
		{"", "", "", "", "the kinds are embedded, gpu and llm"},
		{"embedded:http://a", "", "", "", "there is no such file; `harvest train` writes one"},
		{"embedded:", "", "", "", "there is no such file"},
	}
	for _, tt := range tests {
		kind, c, err := kinds.Config{GPU: tt.known}.Choose(tt.choice)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q: error %v, want one with %q", tt.choice, err, tt.want)
			}
			continue
		}
		if kind != tt.kind || c.GPU != tt.address || err != nil {
			t.Errorf("%q: kind %q at %q, error %v", tt.choice, kind, c.GPU, err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	lost := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(lost.Close)
	foreign := rubric.Default()
	foreign.Capabilities = []string{"charm"}
	tests := []struct {
		kind, address string
		rubric        *rubric.Rubric
		want          string
		unavailable   bool
	}{
		{"embedded", "", rubric.Default(), "", false},
		{"embedded", "", foreign, `"charm"`, false},
		{"gpu", "", rubric.Default(), "the sidecar's URL is not set", false},
		{"gpu", lost.URL, rubric.Default(), "404", true},
		{"gpu:http://a:1", lost.URL, rubric.Default(), "give only the kind", false},
		{"embedded:a.zst", "", rubric.Default(), "give only the kind", false},
		{"llm", lost.URL, rubric.Default(), "the model's URL is not set", false},
		{"llm:http://a:1", lost.URL, rubric.Default(), "give only the kind", false},
		{"other", lost.URL, rubric.Default(), "the kinds are embedded, gpu and llm", false},
		{"", lost.URL, rubric.Default(), "the kinds are embedded, gpu and llm", false},
	}
	for _, tt := range tests {
		opener, err := kinds.New(kinds.Config{GPU: tt.address}, memorytest.Budget(t), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := opener.Open(t.Context(), tt.kind, tt.rubric)
		if tt.want == "" {
			if err != nil || !strings.HasPrefix(s.ID(), tt.kind+"-") {
				t.Errorf("%s: error %v", tt.kind, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, scorer.ErrUnavailable) != tt.unavailable {
			t.Errorf("%s: error %v, want one with %q", tt.kind, err, tt.want)
		}
	}
	if _, err := kinds.New(kinds.Config{GPU: "nowhere"}, memorytest.Budget(t), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "GPU_SIDECAR") {
		t.Errorf("a bad address: error %v", err)
	}
}

func TestLLM(t *testing.T) {
	t.Parallel()
	known := kinds.Config{LLM: llm.Config{Model: "wren-1", APIKey: "sk-secret", MaxCost: 3, Prices: "wren-1=1/2"}}
	if _, _, err := known.Choose("llm"); err == nil || !strings.Contains(err.Error(), "--scorer llm:URL") {
		t.Errorf("without a URL: error %v", err)
	}
	if _, _, err := (kinds.Config{}).Choose("llm:http://a:1"); err == nil || !strings.Contains(err.Error(), "--model") {
		t.Errorf("without a model: error %v", err)
	}
	kind, c, err := known.Choose("llm:http://a:1/v1")
	if kind != kinds.LLM || c.LLM.URL != "http://a:1/v1" || c.LLM.Model != "wren-1" || err != nil {
		t.Errorf("kind %q of %q at %q, error %v", kind, c.LLM.Model, c.LLM.URL, err)
	}
	// The stored configuration of a run has its URLs, but no secrets and no limits. These are read at each start.
	data, err := json.Marshal(c)
	if string(data) != `{"llm":{"url":"http://a:1/v1","model":"wren-1"}}` || err != nil {
		t.Errorf("stored as %s, error %v", data, err)
	}
	var remembered kinds.Config
	if err := json.Unmarshal(data, &remembered); err != nil {
		t.Fatal(err)
	}
	today := kinds.Config{
		LLM: llm.Config{URL: "http://b:2", Model: "other", APIKey: "sk-2", MaxCost: 5, Prices: "wren-1=1/2"},
	}
	want := kinds.Config{
		LLM: llm.Config{URL: "http://a:1/v1", Model: "wren-1", APIKey: "sk-2", MaxCost: 5, Prices: "wren-1=1/2"},
	}
	if diff := cmp.Diff(want, today.At(remembered)); diff != "" {
		t.Errorf("configuration (-want +got)\n%s", diff)
	}
	opener, err := kinds.New(c, memorytest.Budget(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := opener.Open(t.Context(), kinds.LLM, rubric.Default()); err != nil || !strings.HasPrefix(s.ID(), "llm-") {
		t.Errorf("error %v", err)
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, other := filepath.Join(dir, "own.zst"), filepath.Join(dir, "other.zst")
	weights, err := os.ReadFile("../embedded/weights.zst")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{own: weights, other: []byte("no weights")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	large := filepath.Join(dir, "large.zst")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 64<<20+1); err != nil { // a sparse file
		t.Fatal(err)
	}
	kind, c, err := kinds.Config{}.Choose("embedded:" + own)
	if err != nil || kind != kinds.Embedded || c.Weights != own {
		t.Fatalf("kind %q, weights %q, error %v", kind, c.Weights, err)
	}
	for _, tt := range []struct{ weights, want string }{
		{own, ""},
		{other, other + ": reading weights: this is not a file of weights"},
		{filepath.Join(dir, "gone"), "reading weights: "},
		{large, large + " has 67108865 bytes, and the limit is 67108864"},
	} {
		opener, err := kinds.New(kinds.Config{Weights: tt.weights}, memorytest.Budget(t), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := opener.Open(t.Context(), kinds.Embedded, rubric.Default())
		if tt.want == "" && (err != nil || !strings.HasPrefix(s.ID(), "embedded-")) {
			t.Errorf("error %v", err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("error %v, want one with %q", err, tt.want)
		}
	}
}

// Weights can be in a bucket, where functions in the cloud can read them.
func TestWeightsInBucket(t *testing.T) { // not parallel: an environment variable has the address of the bucket
	weights, err := os.ReadFile("../embedded/weights.zst")
	if err != nil {
		t.Fatal(err)
	}
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", Host: "127.0.0.1", Writer: io.Discard,
		InitialObjects: []fakestorage.Object{
			{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "farm", Name: "weights/own.zst"}, Content: weights},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
	for name, want := range map[string]string{"gs://farm/weights/own.zst": "", "gs://farm/gone.zst": "gone.zst"} {
		kind, c, err := kinds.Config{}.Choose("embedded:" + name)
		if err != nil || kind != kinds.Embedded {
			t.Fatal(err)
		}
		opener, err := kinds.New(c, memorytest.Budget(t), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = opener.Open(t.Context(), kinds.Embedded, rubric.Default())
		if (want == "") != (err == nil) ||
			err != nil && (!strings.Contains(err.Error(), want) || !errors.Is(err, scorer.ErrUnavailable)) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestRatingErrors returns the errors of the embedded scorer alone: those of the others were not measured.
func TestRatingErrors(t *testing.T) {
	t.Parallel()
	if kinds.RatingErrors(kinds.Embedded, nil) == nil || kinds.RatingErrors("gpu", nil) != nil {
		t.Error("RatingErrors has no errors of the embedded scorer, or errors of another one")
	}
}
