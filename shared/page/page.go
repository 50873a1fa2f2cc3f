// Package page has what all web pages have in common: the rules under which a browser shows them, and texts of a
// dataset in a form that does no harm. Each page holds its style and its script.
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

// Style is the style of a page: the common style of all pages, followed by the page's own.
func Style(own ...[]byte) []byte { return slices.Concat(base, slices.Concat(own...)) }

// Policy is the content-security policy of a page with one style, at most one script, and embedded pictures. The page
// can load nothing and send nothing.
func Policy(style, script []byte) string {
	scripts := "'none'"
	if len(script) > 0 {
		scripts = sourceHash(script)
	}
	return fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s; base-uri 'none'; "+
		"form-action 'none'", sourceHash(style), scripts)
}

// SitePolicy is that of the pages of a server: they also show its images, call it, and send it forms, and no other page
// holds them.
func SitePolicy(style, script []byte) string {
	return fmt.Sprintf("default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; style-src %s; "+
		"script-src %s; base-uri 'none'; frame-ancestors 'none'", sourceHash(style), sourceHash(script))
}

func sourceHash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
