package kinds

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
	"google.golang.org/api/idtoken"
)

// idTokenClient is a client whose requests carry Google's ID token of this process's service account
// for an audience, as Cloud Run asks of those who invoke a service.
// Source: https://cloud.google.com/run/docs/authenticating/service-to-service
func idTokenClient(audience string) (*http.Client, error) {
	tokens, err := idtoken.NewTokenSource(context.Background(), audience)
	if err != nil {
		return nil, fmt.Errorf("this machine can get no ID token: %w", err)
	}
	return &http.Client{
		Transport: &oauth2.Transport{Source: tokens},
		// The token is for the audience alone, wherever that may send a request on to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
