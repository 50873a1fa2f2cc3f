package terraform_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestEnvironment checks that the code reads every variable that the configuration sets, because a variable with a
// wrong name would have no effect.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	known := []string{
		"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", // read by OpenTelemetry's SDK
		"GOMEMLIMIT", // read by Go's runtime, and by shared/memory
	}
	for _, structure := range []any{config.Planning{}, config.Score{}} {
		for _, v := range config.Variables(structure) {
			known = append(known, v.Name)
		}
	}
	settings, err := os.ReadFile("../../sidecar/service/settings.py")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, dir := range []string{".", "modules/functions", "modules/gpu"} {
		m, err := schema.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range environmentKeys(m) {
			found++
			if field, ok := strings.CutPrefix(key.name, "SIDECAR_"); ok {
				if !strings.Contains(string(settings), "\n    "+strings.ToLower(field)+": ") {
					t.Errorf("%s: the sidecar has no setting %s", key.place, key.name)
				}
			} else if !slices.Contains(known, key.name) {
				t.Errorf("%s: no function reads %s", key.place, key.name)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d variables of the environment", found)
	}
}

type environmentKey struct {
	name  string
	place hcl.Range
}

var environmentName = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// environmentKeys returns the keys of objects that have the form of environment variables.
func environmentKeys(m *schema.Module) []environmentKey {
	var found []environmentKey
	for _, b := range m.Blocks {
		_ = hclsyntax.VisitAll(b.Body, func(node hclsyntax.Node) hcl.Diagnostics {
			if object, ok := node.(*hclsyntax.ObjectConsExpr); ok {
				for _, item := range object.Items {
					if name := hcl.ExprAsKeyword(item.KeyExpr); environmentName.MatchString(name) {
						found = append(found, environmentKey{name, item.KeyExpr.Range()})
					}
				}
			}
			return nil
		})
	}
	return found
}
