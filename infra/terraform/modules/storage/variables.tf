variable "project" {
  description = "Project id: bucket names are global, and begin with it."
  type        = string
}

variable "location" {
  description = "Where the buckets are."
  type        = string
}

variable "labels" {
  description = "Labels of all that can have some."
  type        = map(string)
}

variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the buckets; null for Google's own."
  type        = string
}

variable "input_lifecycle" {
  description = "What becomes of objects of the input bucket, by prefix."
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
}

variable "work_lifecycle" {
  description = "What becomes of objects of the work bucket, by prefix."
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
}

variable "deletion_protection" {
  description = "Whether a bucket that holds objects cannot be deleted."
  type        = bool
}

variable "members" {
  description = "The services' accounts as IAM members, by service."
  type        = map(string)
}

variable "uploaders" {
  description = "IAM members that may write to the input bucket."
  type        = list(string)
}

variable "readers" {
  description = "IAM members that may read the work bucket."
  type        = list(string)
}
