package score

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// SidecarPaths are the paths of a sidecar that planning a run needs: the models, and the limits of a request.
var SidecarPaths = []string{"/v1/models", "/v1/limits"}

// NewSidecar forwards requests to the sidecar, which only this service can reach. Mount it only at SidecarPaths, so
// that it never forwards a request for ratings.
func NewSidecar(base string, log *slog.Logger) (http.Handler, error) {
	target, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("forwarding to the sidecar: %w", err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization") // the caller's token is only for this service
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.WarnContext(r.Context(), "sidecar cannot be reached", "error", err)
			// This status makes callers wait for the sidecar.
			http.Error(w, "the sidecar cannot be reached", http.StatusServiceUnavailable)
		},
	}, nil
}
