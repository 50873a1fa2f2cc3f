# This module has no provider and no backend: the module that calls it has both. The pipeline calls it from deploy/.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}
