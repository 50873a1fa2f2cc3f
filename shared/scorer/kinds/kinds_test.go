package kinds_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		choice, known string // known is the address that the environment gives
		kind, address string
		want          string // of the error
	}{
		{"embedded", "", "embedded", "", ""},
		{"gpu:http://a:1", "", "gpu", "http://a:1", ""},
		{"gpu:http://a:1", "http://b:2", "gpu", "http://a:1", ""},
		{"gpu:scorer=http://a:1,styler=http://b:2", "", "gpu", "scorer=http://a:1,styler=http://b:2", ""},
		{"gpu", "http://b:2", "gpu", "http://b:2", ""},
		{"gpu", "", "", "", "it is not known where the sidecar is"},
		{"gpu:", "http://b:2", "", "", "it is not known where the sidecar is"},
		{"gpu:a:1", "", "", "", "no address of a sidecar"},
		{"embedded:http://a", "", "", "", "the kinds are embedded and gpu"},
		{"http://a:1", "", "", "", "the kinds are embedded and gpu"},
		{"", "", "", "", "the kinds are embedded and gpu"},
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
		{"gpu", "", rubric.Default(), "it is not known where the sidecar is", false},
		{"gpu", lost.URL, rubric.Default(), "404", true},
		{"gpu:http://a:1", lost.URL, rubric.Default(), "a dataset names only the kind", false},
		{"llm", lost.URL, rubric.Default(), "the kinds are embedded and gpu", false},
		{"", lost.URL, rubric.Default(), "the kinds are embedded and gpu", false},
	}
	for _, tt := range tests {
		opener, err := kinds.New(kinds.Config{GPU: tt.address}, nil)
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
	if _, err := kinds.New(kinds.Config{GPU: "nowhere"}, nil); err == nil || !strings.Contains(err.Error(), "GPU_SIDECAR") {
		t.Errorf("a bad address: error %v", err)
	}
}
