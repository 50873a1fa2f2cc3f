# This module has no provider and no backend: the module that calls it has both. For the pipeline, that is deploy/.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}
