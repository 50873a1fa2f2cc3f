package kinds_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// TestIDToken requests the models of a sidecar. The request must have the ID token that the metadata server issues to
// the process's account for the audience.
func TestIDToken(t *testing.T) {
	claims := fmt.Sprintf(`{"aud": "harvest-score-gpu", "exp": %d}`, time.Now().Add(time.Hour).Unix())
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		if strings.HasSuffix(r.URL.Path, "/identity") && r.FormValue("audience") == "harvest-score-gpu" {
			fmt.Fprint(w, token)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir()) // so that no credentials of a person are found

	var mu sync.Mutex
	seen := map[string]string{}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method+" "+r.URL.Path] = r.Header.Get("Authorization")
		mu.Unlock()
		switch r.URL.Path {
		case "/v1/models":
			fmt.Fprint(w, `{"protocol": 2, "models": {"scorer": "a", "styler": "b"}}`)
		case "/v1/limits":
			fmt.Fprint(w, `{"bytes": 1000000, "items": 10, "queries": 100, "choices": 10, "max_tokens": 100, `+
				`"images": 8, "image_bytes": 1000, "pixels": 1000}`)
		}
	}))
	t.Cleanup(service.Close)
	config := kinds.Config{GPU: service.URL, GPUAudience: "harvest-score-gpu"}
	opener, err := kinds.New(config, memorytest.Budget(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opener.Open(t.Context(), kinds.GPU, rubric.Default()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"GET /v1/models": "Bearer " + token, "GET /v1/limits": "Bearer " + token}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
