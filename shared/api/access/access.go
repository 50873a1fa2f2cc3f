// Package access decides which requests a server answers if no IAM protects it. It refuses requests that a browser
// makes for a page of another site, and requests to a name that is not the server's.
package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
)

// SameSite answers 403 to all requests that a browser makes for a page of another origin. The author of such a page
// cannot reach a server on the user's localhost, and has no cookie of the user, but the user's browser does.
func SameSite(next http.Handler) http.Handler {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.NewProblem(http.StatusForbidden, "requests from a page of another origin are refused").Write(w)
	})
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(refuse)
	changing := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isRead(r.Method) && fromElsewhere(r) {
			refuse(w, r)
			return
		}
		changing.ServeHTTP(w, r)
	})
}

// isRead reports whether a method only reads. CrossOriginProtection lets such methods pass.
func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// fromElsewhere reports whether a browser sent the request for a page of another origin. Browsers without
// Sec-Fetch-Site send an Origin header with requests of scripts of other origins.
func fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "": // an older browser, or a program
		origin, err := url.Parse(r.Header.Get("Origin"))
		return r.Header.Get("Origin") != "" && (err != nil || origin.Host != r.Host)
	}
	return true
}

// Hosts are the host names by which clients may call a server: localhost, all loopback addresses, and the listed names.
// So a page of another site cannot reach the server under the site's name (DNS rebinding).
type Hosts struct{ listed map[string]bool }

// hostPattern is the pattern of a name as browsers send it: ASCII letters, and xn-- for other letters.
var hostPattern = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// NewHosts lists names and IP addresses without a port. The error of any other text names the text.
func NewHosts(names ...string) (Hosts, error) {
	h := Hosts{listed: map[string]bool{"localhost": true}}
	for _, name := range names {
		plain := plainHost(name)
		if _, err := netip.ParseAddr(plain); err != nil && !hostPattern.MatchString(plain) {
			return Hosts{}, fmt.Errorf("%q: give only a host name or an IP address, such as farm.example", name)
		}
		h.listed[plain] = true
	}
	return h, nil
}

// Guard answers requests to other hosts with 421. The text names the host and the flag.
func (h Hosts) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.has(r.Host) {
			api.NewProblem(http.StatusMisdirectedRequest, fmt.Sprintf("%q is not a name of this server; "+
				"use localhost or a loopback address, or start `harvest serve` with --allow-host and this name",
				hostOf(r.Host))).Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// has reports whether the Host of a request is allowed.
func (h Hosts) has(host string) bool {
	plain := plainHost(hostOf(host))
	addr, err := netip.ParseAddr(plain)
	return h.listed[plain] || err == nil && addr.Unmap().IsLoopback()
}

// hostOf returns a host without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// plainHost returns the normal form of a name or an address: lower case, without brackets and without the dot of the
// root.
func plainHost(name string) string {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
