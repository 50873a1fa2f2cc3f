# Neither provider nor backend: the module that calls this one has them. The folder deploy does, for the pipeline.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}
