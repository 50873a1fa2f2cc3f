variable "project" {
  description = "Id of the project. Bucket names begin with it, because they are global."
  type        = string
}

variable "location" {
  description = "Location of the buckets: a region, a dual-region or a multi-region."
  type        = string
}

variable "labels" {
  description = "Labels of all resources that can have labels."
  type        = map(string)
}

variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the buckets; null for Google's own keys."
  type        = string
}

variable "input_lifecycle" {
  description = "Lifecycle of objects in the input bucket, by prefix."
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
}

variable "work_lifecycle" {
  description = "Lifecycle of objects in the work bucket, by prefix."
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
  description = "Accounts of the services as IAM members, by service."
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
