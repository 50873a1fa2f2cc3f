package kinds

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
	"google.golang.org/api/idtoken"
)

// idTokenClient returns a client that sends a Google ID token of this process's service account, for an audience.
// Services on Cloud Run require such a token. Source:
// https://cloud.google.com/run/docs/authenticating/service-to-service
func idTokenClient(audience string) (*http.Client, error) {
	tokens, err := idtoken.NewTokenSource(context.Background(), audience)
	if err != nil {
		return nil, fmt.Errorf("no ID token is available on this machine: %w", err)
	}
	return &http.Client{
		Transport: &oauth2.Transport{Source: tokens},
		// Do not follow redirects: the token is only for the audience.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
