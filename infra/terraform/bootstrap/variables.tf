variable "project" {
  description = <<-EOT
    Id of the Google Cloud project, best one of its own: the pipeline's account may change everything that Harvest has
    in it.
  EOT
  type        = string
}

variable "region" {
  description = "Region of the registry of images, the same as the services'. europe-west4 has both kinds of GPU."
  type        = string
  default     = "europe-west4"
}

variable "name" {
  description = "Prefix of all names, so that several deployments can share a project."
  type        = string
  default     = "harvest"

  validation {
    # The longest account name made of it, <name>-score-gpu, may have 30 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,17}[a-z0-9]$", var.name))
    error_message = "name: give 2 to 19 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "labels" {
  description = "Labels of all that can have some, besides app = name; the same as in the main configuration."
  type        = map(string)
  default     = {}
}

variable "kms_key" {
  description = <<-EOT
    Full name of a Cloud KMS key, projects/.../cryptoKeys/..., that Cloud Storage may encrypt the buckets with; null for
    Google's own keys. Give the same to the main configuration.
  EOT
  type        = string
  default     = null
}

variable "audit_logs" {
  description = <<-EOT
    Services whose reads and writes of data are logged, by account: for instance storage.googleapis.com,
    run.googleapis.com, pubsub.googleapis.com. Reads of a million images are a million entries, which cost.
  EOT
  type        = list(string)
  default     = []
}

variable "secret_regions" {
  description = "Regions that the secret is kept in; empty lets Google choose, which some organisations do not allow."
  type        = list(string)
  default     = []
}

variable "billing_account" {
  description = <<-EOT
    Id of the billing account, for a budget with alerts; null for no budget. Needs roles/billing.costsManager on that
    account.
  EOT
  type        = string
  default     = null
}

variable "budget" {
  description = <<-EOT
    Monthly budget in whole units of the billing account's currency. Mail goes out at 50, 90 and 100 %, and when 100 %
    is forecast.
  EOT
  type        = number
  default     = 500
}
