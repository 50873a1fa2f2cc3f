package main

import (
	"context"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// A provider answers the requests that Terraform sends before a plan. Terraform sends no other requests to a mocked
// provider.
type provider struct {
	tfprotov6.ProviderServer
	schema *schema.Schema
}

// configuration has the arguments of the provider that this repository sets. The schema does not have them.
var configuration = &schema.Block{Attributes: map[string]schema.Attribute{
	"project":               {Mode: schema.Optional, Type: "string"},
	"region":                {Mode: schema.Optional, Type: "string"},
	"billing_project":       {Mode: schema.Optional, Type: "string"},
	"user_project_override": {Mode: schema.Optional, Type: "bool"},
	"default_labels":        {Mode: schema.Optional, Type: "map(string)"},
}}

func (p provider) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	return &tfprotov6.GetMetadataResponse{}, nil
}

func (p provider) GetProviderSchema(
	context.Context, *tfprotov6.GetProviderSchemaRequest,
) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{
		Provider:          &tfprotov6.Schema{Block: block(configuration)},
		ResourceSchemas:   schemas(p.schema.Resources),
		DataSourceSchemas: schemas(p.schema.Data),
	}, nil
}

func (p provider) GetResourceIdentitySchemas(
	context.Context, *tfprotov6.GetResourceIdentitySchemasRequest,
) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (p provider) ValidateProviderConfig(
	_ context.Context, r *tfprotov6.ValidateProviderConfigRequest,
) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (p provider) ValidateResourceConfig(
	context.Context, *tfprotov6.ValidateResourceConfigRequest,
) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (p provider) ValidateDataResourceConfig(
	context.Context, *tfprotov6.ValidateDataResourceConfigRequest,
) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

func (p provider) StopProvider(
	context.Context, *tfprotov6.StopProviderRequest,
) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}
