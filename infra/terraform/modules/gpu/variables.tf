variable "region" {
  description = "Region of the service. It must have this kind of GPU."
  type        = string
}

variable "labels" {
  description = "Labels of all resources that can have labels."
  type        = map(string)
}

variable "vpc" {
  description = "Network, subnetwork and egress setting of direct VPC egress; empty for no VPC."
  type        = list(object({ network = string, subnetwork = string, egress = string }))
}

variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "functions_image" {
  description = "Image of the functions, by digest."
  type        = string
}

variable "sidecar_image" {
  description = "Image of the GPU sidecar, by digest."
  type        = string
}

variable "gpu" {
  description = "Kind of GPU: nvidia-l4 or nvidia-rtx-pro-6000."
  type        = string

  validation {
    condition     = contains(["nvidia-l4", "nvidia-rtx-pro-6000"], var.gpu)
    error_message = "gpu: give nvidia-l4 or nvidia-rtx-pro-6000, the kinds that Cloud Run has."
  }
}

variable "accounts" {
  description = "E-mail addresses of the accounts, by service."
  type        = map(string)
}

variable "environment" {
  description = "Environment variables of all functions."
  type        = map(string)
}

variable "sidecar_environment" {
  description = "More environment variables of the sidecar."
  type        = map(string)
}

variable "weights_bucket" {
  description = "Bucket of the models, with the folders scorer/ and styler/."
  type        = string
}

variable "max_instances" {
  description = "Maximum number of instances. It limits the cost."
  type        = number

  validation {
    condition     = var.max_instances >= 1
    error_message = "max_instances: give 1 or more for score_gpu. To have no GPU service, leave out sidecar_image."
  }
}

variable "concurrency" {
  description = "Maximum number of concurrent requests of an instance."
  type        = number
}

variable "memory" {
  description = "Memory of the function's container, in GiB."
  type        = number
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service."
  type        = bool
}
