variable "labels" {
  description = "Labels of all resources that can have labels."
  type        = map(string)
}

variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region of the schedule."
  type        = string
}

variable "project_number" {
  description = "Number of the project. The name of Cloud Scheduler's agent contains it."
  type        = string
}

variable "input_bucket" {
  description = "Name of the input bucket, which notifies of new datasets."
  type        = string
}

variable "members" {
  description = "Accounts of the services as IAM members, by service."
  type        = map(string)
}

variable "push_account" {
  description = "E-mail address of the account that signs pushes."
  type        = string
}

variable "push_urls" {
  description = "URLs of the deployed services, by service. A service without a URL gets no subscription."
  type        = map(string)
}
