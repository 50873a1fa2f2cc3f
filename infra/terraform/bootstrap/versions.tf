terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # The bucket is the one thing made by hand: terraform init -backend-config=bucket=<project>-terraform
  backend "gcs" {
    prefix = "bootstrap"
  }
}

# Budgets and IAM ask which project pays for the calls themselves; without this they are refused for a person's
# credentials.
provider "google" {
  project               = var.project
  region                = var.region
  default_labels        = merge({ app = var.name }, var.labels)
  billing_project       = var.project
  user_project_override = true
}
