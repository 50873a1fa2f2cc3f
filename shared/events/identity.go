package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"
)

// A PushIdentity says whose push requests are taken: Pub/Sub signs each with a token of the
// subscription's service account. The zero value takes everybody's, for one machine.
// Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
type PushIdentity struct {
	Audience string `env:"PUSH_AUDIENCE" meaning:"audience that the token of a push must have; none: it is not checked"`
	Sender   string `env:"PUSH_SENDER" meaning:"email address of the service account that pushes must come from"`
}

// Checked reports whether requests are checked at all.
func (p PushIdentity) Checked() bool { return p != (PushIdentity{}) }

// Validate reports whether half of the identity is missing.
func (p PushIdentity) Validate() error {
	switch {
	case p.Checked() && p.Sender == "":
		return errors.New("PUSH_SENDER: is missing, with PUSH_AUDIENCE given; give the subscriptions' service account")
	case p.Checked() && p.Audience == "":
		return errors.New("PUSH_AUDIENCE: is missing, with PUSH_SENDER given; give the push subscriptions' audience")
	}
	return nil
}

// Guard lets only requests through to a push endpoint that carry a token of Google's for the
// audience and from the sender; others are answered 401 or 403. client, if it is not nil, fetches Google's keys.
func (p PushIdentity) Guard(
	ctx context.Context, client *http.Client, log *slog.Logger, push http.Handler,
) (http.Handler, error) {
	if !p.Checked() {
		return push, nil
	}
	var options []idtoken.ClientOption
	if client != nil {
		options = append(options, option.WithHTTPClient(client))
	}
	validator, err := idtoken.NewValidator(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("checking who pushes: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a push request carries a token of its sender", http.StatusUnauthorized)
			return
		}
		payload, err := validator.Validate(r.Context(), token, p.Audience)
		if err != nil {
			// The token itself is a credential, so it is not logged.
			log.Warn("push refused", "error", err)
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			http.Error(w, "the token is not valid here", http.StatusUnauthorized)
			return
		}
		if err := p.sentBy(payload); err != nil {
			log.Warn("push refused", "error", err)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		push.ServeHTTP(w, r)
	}), nil
}

// sentBy checks what a valid token says of its bearer.
func (p PushIdentity) sentBy(token *idtoken.Payload) error {
	if token.Issuer != "https://accounts.google.com" && token.Issuer != "accounts.google.com" {
		return fmt.Errorf("the token was issued by %q, not by Google", token.Issuer)
	}
	if email, verified := token.Claims["email"], token.Claims["email_verified"]; email != p.Sender || verified != true {
		return fmt.Errorf("the token is of %v (verified: %v), not of the subscriptions' service account", email, verified)
	}
	return nil
}
