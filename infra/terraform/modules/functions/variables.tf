variable "region" {
  description = "Region of the services."
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

variable "ingress" {
  description = "Ingress of curate; the other services take internal calls alone."
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
  description = "Environment that all functions share."
  type        = map(string)
}

variable "gpu_url" {
  description = "URL of score-gpu, which is asked for its models when a run is planned; null without a GPU."
  type        = string
}

variable "llm_secret" {
  description = "Name of the secret that holds the LLM scorer's key; null for none."
  type        = string
}

variable "max_instances" {
  description = "Most instances of each service at once."
  type        = object({ ingest = number, score = number, curate = number })
}

variable "concurrency" {
  description = "Requests that an instance of each service takes at a time."
  type        = object({ ingest = number, score = number, curate = number })
}

variable "memory" {
  description = "Memory of each service in GiB."
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
