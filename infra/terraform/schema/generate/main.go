// Generate reads the schema of the google provider from the npm package @cdktf/provider-google, which is generated from
// the provider's schema. It writes the part of the schema that our configuration uses:
//
//	npm pack @cdktf/provider-google@16.12.1
//	go run ./infra/terraform/schema/generate cdktf-provider-google-16.12.1.tgz
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
)

// output is the path of the schema from the repository's root.
const output = "infra/terraform/schema/google.json"

var configuration = []string{"infra/terraform", "infra/examples"}

func main() {
	if err := generate(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give the archive of the npm package, which `npm pack @cdktf/provider-google@16.12.1` writes")
	}
	used, err := schema.Used(configuration...)
	if err != nil {
		return err
	}
	p, err := openBindings(args[0])
	if err != nil {
		return err
	}
	s := schema.Schema{Provenance: p.provenance, Resources: map[string]*schema.Block{}, Data: map[string]*schema.Block{}}
	for kind, types := range map[string]map[string]*schema.Block{"resource": s.Resources, "data": s.Data} {
		for _, name := range used[kind] {
			if types[name], err = p.block(kind, name); err != nil {
				return fmt.Errorf("%s %s: %w", kind, name, err)
			}
		}
	}
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(data, '\n'), 0o644)
}
