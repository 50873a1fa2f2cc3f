variable "labels" {
  description = "Labels of all that can have some."
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
  description = "Number of the project, which is part of the address of Cloud Scheduler's agent."
  type        = string
}

variable "input_bucket" {
  description = "Name of the bucket that notifies of new datasets."
  type        = string
}

variable "members" {
  description = "The services' accounts as IAM members, by service."
  type        = map(string)
}

variable "push_account" {
  description = "E-mail address of the account that pushes are signed as."
  type        = string
}

variable "push_urls" {
  description = "URLs of the deployed services, by service; a service without one gets no subscription."
  type        = map(string)
}
