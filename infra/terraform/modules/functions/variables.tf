variable "region" {
  description = "Region of the services."
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

variable "ingress" {
  description = "Ingress setting of curate. The other services accept only internal calls."
  type        = string
}

variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "image" {
  description = "Image of the functions, by digest."
  type        = string
}

variable "accounts" {
  description = "E-mail addresses of the accounts, by service."
  type        = map(string)
}

variable "environment" {
  description = "Environment variables of all functions."
  type        = map(string)
}

variable "gpu_url" {
  description = "URL of score-gpu, which reports its models when a run is planned; null without a GPU."
  type        = string
}

variable "llm_secret" {
  description = "Name of the secret that holds the key of the scorer llm; null for no key."
  type        = string
}

variable "max_instances" {
  description = "Maximum number of instances of each service."
  type        = object({ ingest = number, score = number, curate = number })
}

variable "concurrency" {
  description = "Maximum number of concurrent requests of an instance of each service."
  type        = object({ ingest = number, score = number, curate = number })
}

variable "memory" {
  description = "Memory of each service, in GiB."
  type        = object({ ingest = number, score = number, curate = number })
}

variable "api_users" {
  description = "IAM members that may call curate's API."
  type        = list(string)
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the services."
  type        = bool
}
