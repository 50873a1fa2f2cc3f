package access

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// verified is what Cloud Run puts in the place of a token's signature once it has checked it.
// Source: https://cloud.google.com/run/docs/troubleshooting#signature-removed
const verified = "SIGNATURE_REMOVED_BY_GOOGLE"

// Caller is the email address of who sent a request that Cloud Run's IAM let through, or `subject N` of an account
// whose token has no verified address; empty if the request has no token that Cloud Run has verified. It may be asked
// only behind that IAM: a service that everyone may call gets tokens as their senders wrote them.
func Caller(r *http.Request) string {
	// Of the two headers Cloud Run checks the first that is there.
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
