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

// SameSite refuses, with 403, requests that a browser makes for a page of another origin, both reads and changes. The
// reason: a user's browser may reach a server on localhost, or have a cookie for it, when the page's author does not.
func SameSite(next http.Handler) http.Handler {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.NewProblem(http.StatusForbidden, "a page of another origin may call nothing here").Write(w)
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

// isRead reports whether a method changes nothing; CrossOriginProtection lets these pass.
func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// fromElsewhere reports whether a page of another origin made a browser send a request. Browsers without Sec-Fetch-Site
// send an Origin header with calls of scripts of other origins.
func fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "": // an older browser, or no browser
		origin, err := url.Parse(r.Header.Get("Origin"))
		return r.Header.Get("Origin") != "" && (err != nil || origin.Host != r.Host)
	}
	return true
}

// Hosts are the names by which clients may call a server: localhost, all loopback addresses, and those that are listed.
// So a page of another site cannot reach the server under its own name (DNS rebinding).
type Hosts struct{ listed map[string]bool }

// hostPattern is the pattern of a name in the form that browsers send: letters of ASCII, xn-- for others.
var hostPattern = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// NewHosts lists names and IP addresses without a port. Any other text is an error that names it.
func NewHosts(names ...string) (Hosts, error) {
	h := Hosts{listed: map[string]bool{"localhost": true}}
	for _, name := range names {
		plain := plainHost(name)
		if _, err := netip.ParseAddr(plain); err != nil && !hostPattern.MatchString(plain) {
			return Hosts{}, fmt.Errorf("%q: give a host's name or IP address alone, such as farm.example", name)
		}
		h.listed[plain] = true
	}
	return h, nil
}

// Guard answers requests to other hosts with 421, and a text that names the host and the flag.
func (h Hosts) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.has(r.Host) {
			api.NewProblem(http.StatusMisdirectedRequest, fmt.Sprintf("%q is not a name of this server; "+
				"call it by localhost or a loopback address, or start `harvest serve` with --allow-host and this name",
				hostOf(r.Host))).Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// has reports whether the Host of a request is one of these.
func (h Hosts) has(host string) bool {
	plain := plainHost(hostOf(host))
	addr, err := netip.ParseAddr(plain)
	return h.listed[plain] || err == nil && addr.Unmap().IsLoopback()
}

// hostOf is a host without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// plainHost is one spelling of a name or an address: lower case, without brackets and the dot of the root.
func plainHost(name string) string {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
