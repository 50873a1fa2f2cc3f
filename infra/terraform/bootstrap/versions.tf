terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # Create this bucket by hand, then run: terraform init -backend-config=bucket=<project>-terraform
  backend "gcs" {
    prefix = "bootstrap"
  }
}

# Budgets and IAM require a project that pays for the API calls. Without billing_project, they refuse the credentials of
# a person.
provider "google" {
  project               = var.project
  region                = var.region
  default_labels        = merge({ app = var.name }, var.labels)
  billing_project       = var.project
  user_project_override = true
}
