// Package page has the common parts of all web pages: the security rules for browsers, and functions that make texts of
// a dataset harmless. Each page contains its style and its script.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
)

//go:embed base.css
var base []byte

// Style returns the style of a page: the common style of all pages, followed by the page's own styles.
func Style(own ...[]byte) []byte { return slices.Concat(base, slices.Concat(own...)) }

// Policy returns the content-security policy of a page with one style, at most one script, and embedded pictures. The
// page can load nothing and send nothing.
func Policy(style, script []byte) string {
	scripts := "'none'"
	if len(script) > 0 {
		scripts = sourceHash(script)
	}
	return fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s; base-uri 'none'; "+
		"form-action 'none'", sourceHash(style), scripts)
}

// SitePolicy returns the policy for pages of a server. The pages may also show images of the server, call it, and send
// forms to it. No other page may embed them.
func SitePolicy(style, script []byte) string {
	return fmt.Sprintf("default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; style-src %s; "+
		"script-src %s; base-uri 'none'; frame-ancestors 'none'", sourceHash(style), sourceHash(script))
}

func sourceHash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
