package access

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// verified replaces the signature of a token that Cloud Run has verified. Source:
// https://cloud.google.com/run/docs/troubleshooting#signature-removed
const verified = "SIGNATURE_REMOVED_BY_GOOGLE"

// Caller returns the email address of the account that sent a request, or `subject N` if the account's token has no
// verified address. It is empty if the request has no token that Cloud Run has verified. Use it only behind Cloud Run's
// IAM: on a service that everyone may call, nobody has verified the tokens.
func Caller(r *http.Request) string {
	// If both headers are set, Cloud Run verifies the first header.
	value := r.Header.Get("X-Serverless-Authorization")
	if value == "" {
		value = r.Header.Get("Authorization")
	}
	scheme, token, _ := strings.Cut(value, " ")
	parts := strings.Split(token, ".")
	if !strings.EqualFold(scheme, "Bearer") || len(parts) != 3 || parts[2] != verified {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return ""
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Subject  string `json:"sub"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return ""
	}
	switch {
	case claims.Email != "" && claims.Verified:
		return claims.Email
	case claims.Subject != "":
		return "subject " + claims.Subject
	}
	return ""
}
