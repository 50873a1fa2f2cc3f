package otlp

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Only Google's endpoint gets a token of the metadata server.
func TestGoogleClient(t *testing.T) {
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		if strings.HasSuffix(r.URL.Path, "/token") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token": "of-the-account", "expires_in": 3600, "token_type": "Bearer"}`)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	for endpoint, want := range map[string]string{
		"https://telemetry.googleapis.com": "Bearer of-the-account", "http://localhost:4318": "",
		"https://googleapis.com.example.com": "",
	} {
		client, err := Config{Endpoint: endpoint}.client(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", endpoint, err)
		}
		got := ""
		if client != nil {
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Authorization")
			}))
			resp, err := client.Get(server.URL)
			if err != nil {
				t.Fatalf("%s: %v", endpoint, err)
			}
			resp.Body.Close()
			server.Close()
		}
		if got != want {
			t.Errorf("%s is sent %q, want %q", endpoint, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for endpoint, valid := range map[string]bool{
		"": true, "http://localhost:4318": true, "https://telemetry.googleapis.com": true, "localhost:4318": false,
		"grpc://x": false, "http://": false,
	} {
		if err := (Config{Endpoint: endpoint}).Validate(); (err == nil) != valid {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
