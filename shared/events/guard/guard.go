// Package guard checks the senders of pushed messages.
package guard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/shared/events"
	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"
)

// Push protects a push endpoint. Requests need a token from Google for the audience and the sender; others are answered
// 401 or 403. client fetches Google's keys; nil uses the default client.
func Push(
	ctx context.Context, identity events.PushIdentity, client *http.Client, log *slog.Logger, push http.Handler,
) (http.Handler, error) {
	if !identity.Checked() {
		return push, nil
	}
	var options []idtoken.ClientOption
	if client != nil {
		options = append(options, option.WithHTTPClient(client))
	}
	validator, err := idtoken.NewValidator(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("checking push requests: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the request has no bearer token; set the sender of the subscription", http.StatusUnauthorized)
			return
		}
		payload, err := validator.Validate(r.Context(), token, identity.Audience)
		if err != nil {
			// The token itself is a credential, so it is not logged.
			log.Warn("push refused", "error", err)
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			http.Error(w, "the token is not valid for this service", http.StatusUnauthorized)
			return
		}
		if err := sentBy(payload, identity.Sender); err != nil {
			log.Warn("push refused", "error", err)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		push.ServeHTTP(w, r)
	}), nil
}

// sentBy checks the sender of a valid token.
func sentBy(token *idtoken.Payload, sender string) error {
	if token.Issuer != "https://accounts.google.com" && token.Issuer != "accounts.google.com" {
		return fmt.Errorf("the token was issued by %q, not by Google", token.Issuer)
	}
	if email, verified := token.Claims["email"], token.Claims["email_verified"]; email != sender || verified != true {
		return fmt.Errorf("the token belongs to %v (verified: %v), not to the service account of pushes", email, verified)
	}
	return nil
}
