package access_test

import (
	"encoding/base64"
	"net/http/httptest"
	"testing"

	"github.com/harvest-ml/harvest/shared/api/access"
)

func TestCaller(t *testing.T) {
	t.Parallel()
	const removed = "SIGNATURE_REMOVED_BY_GOOGLE"
	token := func(claims, signature string) string {
		return "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + signature
	}
	person := `{"email": "ann@example.com", "email_verified": true, "sub": "7"}`
	for name, tt := range map[string]struct{ first, second, want string }{
		"a person":                      {"", token(person, removed), "ann@example.com"},
		"by the other header":           {token(person, removed), "Bearer of.the.application", "ann@example.com"},
		"the first header decides":      {"Bearer x", token(person, removed), ""},
		"lower case":                    {"", "bearer" + token(person, removed)[len("Bearer"):], "ann@example.com"},
		"an address not verified":       {"", token(`{"email": "eve@example.com", "sub": "7"}`, removed), "subject 7"},
		"an account without an address": {"", token(`{"sub": "1139"}`, removed), "subject 1139"},
		"a token that is not verified":  {"", token(person, "c2ln"), ""},
		"no claims":                     {"", token(`{}`, removed), ""},
		"no JSON":                       {"", token(`{`, removed), ""},
		"no base64":                     {"", "Bearer e30.%%." + removed, ""},
		"no token":                      {"", "", ""},
		"another scheme":                {"", "Basic YTpi", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/v1/runs", nil)
			if tt.first != "" {
				r.Header.Set("X-Serverless-Authorization", tt.first)
			}
			if tt.second != "" {
				r.Header.Set("Authorization", tt.second)
			}
			if got := access.Caller(r); got != tt.want {
				t.Errorf("the caller is %q, want %q", got, tt.want)
			}
		})
	}
}
