terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # terraform init -backend-config=bucket=<project>-terraform
  backend "gcs" {
    prefix = "harvest"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
