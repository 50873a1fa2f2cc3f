// Package page has what all web pages have in common: the rules under which a browser shows them. They are whole in
// themselves, and load nothing from a network.
package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Policy is the content-security policy of a page that uses one style, one script if it has any, and pictures that it
// holds. It can load nothing, and send nothing.
func Policy(style, script []byte) string {
	scripts := "'none'"
	if len(script) > 0 {
		scripts = sourceHash(script)
	}
	return fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s; base-uri 'none'; "+
		"form-action 'none'", sourceHash(style), scripts)
}

func sourceHash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
