package guard_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/guard"
)

// A signer signs tokens, and serves its keys like Google.
type signer struct{ key *rsa.PrivateKey }

func newSigner(t *testing.T) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key}
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func (s signer) token(t *testing.T, algorithm string, claims map[string]any) string {
	t.Helper()
	signed := encode(map[string]string{"alg": algorithm, "typ": "JWT", "kid": "own"}) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.String() != "https://www.googleapis.com/oauth2/v3/certs" {
		return nil, fmt.Errorf("%s was requested", r.URL)
	}
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	body, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kid": "own", "kty": "RSA", "alg": "RS256", "use": "sig",
		"n": number(s.key.N), "e": number(big.NewInt(int64(s.key.E))),
	}}})
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, err
}

// TestPushGuard pushes with tokens that have one fault each.
func TestPushGuard(t *testing.T) {
	t.Parallel()
	own, other := newSigner(t), newSigner(t)
	identity := events.PushIdentity{Audience: "harvest-ingest", Sender: "push@farm.iam.gserviceaccount.com"}
	valid := map[string]any{
		"iss": "https://accounts.google.com", "aud": identity.Audience, "email": identity.Sender, "email_verified": true,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	but := func(key string, value any) map[string]any {
		claims := maps.Clone(valid)
		if claims[key] = value; value == nil {
			delete(claims, key)
		}
		return claims
	}
	bearer := func(token string) string { return "Bearer " + token }
	tests := map[string]struct {
		header string
		status int
	}{
		"valid":           {bearer(own.token(t, "RS256", valid)), http.StatusNoContent},
		"scheme in lower": {"bearer " + own.token(t, "RS256", valid), http.StatusNoContent},
		"older issuer":    {bearer(own.token(t, "RS256", but("iss", "accounts.google.com"))), http.StatusNoContent},
		"none":            {"", http.StatusUnauthorized},
		"basic":           {"Basic dXNlcjpwYXNz", http.StatusUnauthorized},
		"empty":           {"Bearer ", http.StatusUnauthorized},
		"no token":        {bearer("secret"), http.StatusUnauthorized},
		"not signed": {
			bearer(encode(map[string]string{"alg": "none"}) + "." + encode(valid) + "."), http.StatusUnauthorized,
		},
		"another key":      {bearer(other.token(t, "RS256", valid)), http.StatusUnauthorized},
		"secret for a key": {bearer(own.token(t, "HS256", valid)), http.StatusUnauthorized},
		"expired": {
			bearer(own.token(t, "RS256", but("exp", time.Now().Add(-time.Minute).Unix()))), http.StatusUnauthorized,
		},
		"without expiry":   {bearer(own.token(t, "RS256", but("exp", nil))), http.StatusUnauthorized},
		"another audience": {bearer(own.token(t, "RS256", but("aud", "harvest-score"))), http.StatusUnauthorized},
		"without audience": {bearer(own.token(t, "RS256", but("aud", nil))), http.StatusUnauthorized},
		"another sender": {
			bearer(own.token(t, "RS256", but("email", "me@farm.iam.gserviceaccount.com"))), http.StatusForbidden,
		},
		"without sender":    {bearer(own.token(t, "RS256", but("email", nil))), http.StatusForbidden},
		"sender unverified": {bearer(own.token(t, "RS256", but("email_verified", false))), http.StatusForbidden},
		"another issuer":    {bearer(own.token(t, "RS256", but("iss", "https://example.com"))), http.StatusForbidden},
	}
	push := newGuarded(t, identity, own)
	for name, tt := range tests {
		push.check(t, name, tt.header, tt.status)
	}
}

// A guarded is a protected push handler that counts its deliveries.
type guarded struct {
	http.Handler
	delivered int
	logged    strings.Builder
}

func newGuarded(t *testing.T, identity events.PushIdentity, keys signer) *guarded {
	t.Helper()
	g := &guarded{}
	push := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.delivered++
		w.WriteHeader(http.StatusNoContent)
	})
	log := slog.New(slog.NewTextHandler(&g.logged, nil))
	var err error
	if g.Handler, err = guard.Push(t.Context(), identity, &http.Client{Transport: keys}, log, push); err != nil {
		t.Fatal(err)
	}
	return g
}

// check pushes with an Authorization header, and requires a status. The header must not be in the log.
func (g *guarded) check(t *testing.T, name, header string, status int) {
	t.Helper()
	g.delivered = 0
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"message": {"messageId": "1"}}`))
	if header != "" {
		request.Header.Set("Authorization", header)
	}
	answer := httptest.NewRecorder()
	g.ServeHTTP(answer, request)
	if answer.Code != status || (g.delivered == 1) != (status == http.StatusNoContent) {
		t.Errorf("%s: answered %d, delivered %d; want %d", name, answer.Code, g.delivered, status)
	}
	_, token, _ := strings.Cut(header, " ")
	if output := g.logged.String() + answer.Body.String(); len(token) > 5 && strings.Contains(output, token) {
		t.Errorf("%s: the token is in the output: %s", name, output)
	}
}

// TestPushGuardOff pushes without a configured identity, as on one machine.
func TestPushGuardOff(t *testing.T) {
	t.Parallel()
	push := http.NotFoundHandler()
	guarded, err := guard.Push(t.Context(), events.PushIdentity{}, nil, slog.New(slog.DiscardHandler), push)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	guarded.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", nil))
	if answer.Code != http.StatusNotFound {
		t.Errorf("answered %d, but not by the endpoint", answer.Code)
	}
}
