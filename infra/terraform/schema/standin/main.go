// Standin is a fake provider with the part of the google provider's schema that this repository uses. With it,
// Terraform validates the configuration and runs its mocked tests without downloading the real provider.
package main

import (
	"fmt"
	"os"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

func serve() error {
	google, err := schema.Google()
	if err != nil {
		return err
	}
	return tf6server.Serve("registry.terraform.io/hashicorp/google", func() tfprotov6.ProviderServer {
		return provider{schema: google}
	})
}
