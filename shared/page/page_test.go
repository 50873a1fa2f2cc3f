package page_test

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/page"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	// The hash of `printf a
	//  openssl dgst -sha256 -binary
	//  base64`.
	const a = "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"
	const before, after = "default-src 'none'; img-src data:; style-src " + a + "; script-src ",
		"; base-uri 'none'; form-action 'none'"
	for script, want := range map[string]string{"": "'none'", "a": a} {
		if got := page.Policy([]byte("a"), []byte(script)); got != before+want+after {
			t.Errorf("script %q: %s", script, got)
		}
	}
}

// SitePolicy differs from Policy only in the rights to use the server.
func TestSitePolicy(t *testing.T) {
	t.Parallel()
	policy := page.SitePolicy([]byte("a"), []byte("a"))
	for _, part := range []string{
		"default-src 'none'", "img-src 'self' data:", "connect-src 'self'", "form-action 'self'", "base-uri 'none'",
		"frame-ancestors 'none'", "script-src 'sha256-",
	} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", part, policy)
		}
	}
}
