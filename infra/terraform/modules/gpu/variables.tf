variable "region" {
  description = "Region of the service; it must have the kind of GPU."
  type        = string
}

variable "labels" {
  description = "Labels of all that can have some."
  type        = map(string)
}

variable "vpc" {
  description = "Network, subnetwork and egress of direct VPC egress; empty for none."
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
    error_message = "gpu: Cloud Run has nvidia-l4 and nvidia-rtx-pro-6000."
  }
}

variable "accounts" {
  description = "E-mail addresses of the accounts, by service."
  type        = map(string)
}

variable "environment" {
  description = "Environment that all functions share."
  type        = map(string)
}

variable "sidecar_environment" {
  description = "Further environment of the sidecar."
  type        = map(string)
}

variable "weights_bucket" {
  description = "Bucket with the models, in scorer/ and styler/."
  type        = string
}

variable "max_instances" {
  description = "Most instances at once: the guard of cost."
  type        = number

  validation {
    condition     = var.max_instances >= 1
    error_message = "max_instances: give 1 or more for score_gpu; for no GPU service leave sidecar_image out."
  }
}

variable "concurrency" {
  description = "Requests that an instance takes at a time."
  type        = number
}

variable "memory" {
  description = "Memory of the function's container in GiB."
  type        = number
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service."
  type        = bool
}
