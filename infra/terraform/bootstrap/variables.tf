variable "project" {
  description = <<-EOT
    Id of the Google Cloud project. Use a separate project, because the pipeline's account may change every resource of
    Harvest in it.
  EOT
  type        = string
}

variable "region" {
  description = "Region of the registry of images and of the services. europe-west4 has both kinds of GPU."
  type        = string
  default     = "europe-west4"
}

variable "name" {
  description = "Prefix of all names, so that several deployments can share a project."
  type        = string
  default     = "harvest"

  validation {
    # The longest name of an account, <name>-score-gpu, may have 30 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,17}[a-z0-9]$", var.name))
    error_message = "name: give 2 to 19 lower-case letters, digits and hyphens; first a letter, and no hyphen last."
  }
}

variable "labels" {
  description = "Labels of all resources, in addition to app = name; give the same labels to the main configuration."
  type        = map(string)
  default     = {}
}

variable "kms_key" {
  description = <<-EOT
    Full name of the Cloud KMS key, projects/.../cryptoKeys/..., with which Cloud Storage encrypts the buckets; null for
    Google's own keys. Give the same key to the main configuration.
  EOT
  type        = string
  default     = null
}

variable "audit_logs" {
  description = <<-EOT
    Services whose reads and writes of data are logged by account, for example storage.googleapis.com,
    run.googleapis.com, pubsub.googleapis.com. Reading a million images writes a million entries, which cost money.
  EOT
  type        = list(string)
  default     = []
}

variable "secret_regions" {
  description = "Regions of the secret. If empty, Google chooses the regions; some organisations do not allow this."
  type        = list(string)
  default     = []
}

variable "billing_account" {
  description = <<-EOT
    Id of the billing account, for a budget with alerts; null for no budget. You need roles/billing.costsManager on this
    account.
  EOT
  type        = string
  default     = null
}

variable "budget" {
  description = <<-EOT
    Monthly budget in whole units of the billing account's currency. Mail is sent at 50, 90 and 100 %, and when 100 % is
    forecast.
  EOT
  type        = number
  default     = 500
}
