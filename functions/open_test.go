package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/sethvargo/go-envconfig"
)

func systemOf(f *runtest.Fixture) system {
	reviews, err := review.NewStore(f.Work)
	if err != nil {
		panic(err) // the bucket exists
	}
	return system{
		runs: f.Runs, planner: f.Planner(), worker: f.Worker, subsets: f.Subsets, reviews: reviews, memory: f.Memory,
	}
}

// TestUnauthenticated calls every endpoint without a token, with the cloud's configuration but without IAM.
func TestUnauthenticated(t *testing.T) {
	t.Parallel()
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" {
			t.Errorf("the sidecar was given the caller's %q", token)
		}
		io.WriteString(w, "the sidecar's "+r.URL.Path)
	}))
	t.Cleanup(sidecar.Close)
	const envelope = `{"message": {"messageId": "1"}}`
	for _, tc := range []struct {
		target, method, path string
		status               int
		says                 string
	}{
		{config.IngestTarget, "GET", "/healthz", 204, ""},
		{config.ScoreTarget, "GET", "/healthz", 204, ""},
		{config.CurateTarget, "GET", "/healthz", 204, ""},
		{config.IngestTarget, "POST", "/", 401, ""},
		{config.IngestTarget, "POST", "/anything", 401, ""},
		{config.IngestTarget, "POST", "/healthz", 401, ""},
		{config.ScoreTarget, "POST", "/", 401, ""},
		{config.ScoreTarget, "POST", "/v1/models", 401, ""},
		{config.ScoreTarget, "POST", "/v1/score", 401, ""},
		{config.ScoreTarget, "GET", "/metrics", 401, ""},
		{config.CurateTarget, "POST", "/push", 401, ""},
		{config.CurateTarget, "POST", "/%70ush", 401, ""},
		{config.CurateTarget, "POST", "//push", 307, ""},
		{config.CurateTarget, "POST", "/push/", 404, ""},
		// Only IAM protects these paths. Their callers are people and the services that plan runs.
		{config.CurateTarget, "GET", "/v1/runs", 200, "runs"},
		{config.ScoreTarget, "GET", "/v1/models", 200, "the sidecar's /v1/models"},
		{config.ScoreTarget, "GET", "/v1/limits", 200, "the sidecar's /v1/limits"},
		// Only the service with a sidecar serves the sidecar's paths.
		{config.IngestTarget, "GET", "/v1/models", 401, ""},
		{config.CurateTarget, "GET", "/v1/models", 404, ""},
	} {
		f := runtest.New(t)
		c := config.Function{
			Target: tc.target, Push: events.PushIdentity{Audience: "harvest", Sender: "push@farm.iam.gserviceaccount.com"},
			Scorers: kinds.Config{GPU: sidecar.URL},
		}
		handler, err := newHandler(t.Context(), c, systemOf(f), f.Log)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(tc.method, tc.path, strings.NewReader(envelope))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != tc.status || !strings.Contains(answer.Body.String(), tc.says) {
			t.Errorf("%s: %s %s answered %d %s, want %d %q",
				tc.target, tc.method, tc.path, answer.Code, answer.Body, tc.status, tc.says)
		}
	}
}

// TestReachable sends requests with another host name, and from a page of another site. A process checks the host name
// if it listens on a loopback address, where no IAM is in front of it.
func TestReachable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		target, listens, method, path, host, site string
		status                                    int
	}{
		{config.CurateTarget, "127.0.0.1", "GET", "/v1/runs", "127.0.0.1:8080", "", 200},
		{config.CurateTarget, "127.0.0.1", "GET", "/v1/runs", "evil.example", "", 421},
		{config.CurateTarget, "localhost", "GET", "/v1/runs", "evil.example", "", 421},
		{config.CurateTarget, "", "GET", "/v1/runs", "harvest-xyz.run.app", "", 200},
		{config.CurateTarget, "0.0.0.0", "GET", "/v1/runs", "harvest-xyz.run.app", "", 200},
		{config.CurateTarget, "", "POST", "/v1/runs", "harvest-xyz.run.app", "cross-site", 403},
		{config.CurateTarget, "", "POST", "/push", "harvest-xyz.run.app", "cross-site", 403},
		{config.IngestTarget, "127.0.0.1", "POST", "/", "127.0.0.1", "cross-site", 403},
		{config.ScoreTarget, "127.0.0.1", "POST", "/", "127.0.0.1", "cross-site", 403},
		{config.ScoreTarget, "127.0.0.1", "POST", "/", "evil.example", "", 421},
	} {
		f := runtest.New(t)
		handler, err := newHandler(t.Context(), config.Function{Target: tc.target, Host: tc.listens}, systemOf(f), f.Log)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(tc.method, tc.path, nil)
		request.Host = tc.host
		if tc.site != "" {
			request.Header.Set("Sec-Fetch-Site", tc.site)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != tc.status {
			t.Errorf("%+v: answered %d %s", tc, answer.Code, answer.Body)
		}
	}
}

// TestSidecarAway calls a sidecar that has not started yet: the caller has to wait for the sidecar.
func TestSidecarAway(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	c := config.Function{Target: config.ScoreTarget, Scorers: kinds.Config{GPU: away.URL}}
	handler, err := newHandler(t.Context(), c, systemOf(f), f.Log)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
	request.Header.Set("Authorization", "Bearer x")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if answer.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", answer.Code)
	}
}

// TestReadConfig reads the configuration of each function. Only the functions that start runs need the default scorer.
func TestReadConfig(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"GOOGLE_CLOUD_PROJECT": "farm", "INPUT_BUCKET": "gs://in", "WORK_BUCKET": "gs://work", "SCORER": "gpu",
	}
	for target, says := range map[string]string{
		config.IngestTarget: "SCORER", config.CurateTarget: "SCORER", config.ScoreTarget: "",
		"scores": `FUNCTION_TARGET: "scores" is not a function`,
	} {
		env["FUNCTION_TARGET"] = target
		_, _, err := readConfig(t.Context(), envconfig.MapLookuper(env))
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", target, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: error %v, want one that names %s", target, err, says)
		}
	}
}

// TestSecretsAreNotLogged sets a secret in every variable that may hold a secret. Neither errors nor the log may
// contain the secret.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	const secret = "sk-do-not-log"
	env := map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + secret}
	for _, v := range config.Variables(config.Planning{}) {
		if strings.HasSuffix(v.Name, "_KEY") || strings.HasSuffix(v.Name, "_TOKEN") || strings.HasSuffix(v.Name, "_SECRET") {
			env[v.Name] = secret
		}
	}
	// The other variables are not set, so the environment is refused.
	cfg, limits, err := readConfig(t.Context(), envconfig.MapLookuper(env))
	var logged strings.Builder
	log := newLog(&logged, "farm")
	log.Error("harvest functions stopped", "error", err)
	log.Info("configuration", "config", cfg, "limits", limits)
	if err == nil || strings.Contains(logged.String(), secret) {
		t.Errorf("error %v; logged %s", err, logged.String())
	}
}

// TestImageMemory starts functions with limits that no machine has memory for. Ingest starts, because it reads no
// images. The errors of the others name the variables to change.
func TestImageMemory(t *testing.T) {
	t.Parallel()
	for _, target := range []string{config.IngestTarget, config.ScoreTarget, config.CurateTarget} {
		c, limits, err := readConfig(t.Context(), envconfig.MapLookuper(map[string]string{
			"FUNCTION_TARGET": target, "GOOGLE_CLOUD_PROJECT": "farm", "INPUT_BUCKET": "gs://in", "WORK_BUCKET": "gs://work",
			"MAX_DECODED_BYTES": "1000000000000000",
		}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = imageMemory(c, limits)
		if target == config.IngestTarget {
			if err != nil {
				t.Errorf("%s: %v", target, err)
			}
			continue
		}
		for _, want := range []string{"GOMEMLIMIT", "or lower MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", target, err, want)
			}
		}
	}
}
