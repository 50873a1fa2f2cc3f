variable "project" {
  description = "Id of Harvest's Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the service."
  type        = string
  default     = "europe-west4"
}

variable "name" {
  description = "Prefix of all names."
  type        = string
  default     = "harvest"
}

variable "labels" {
  description = "Labels of all that can have some, besides app = name."
  type        = map(string)
  default     = {}
}

variable "events_topic" {
  description = "The module's output events_topic."
  type        = string
  default     = "harvest-events"
}

variable "work_bucket" {
  description = "The module's output work_bucket, which has the subset."
  type        = string
}

variable "image" {
  description = "Image whose entrypoint is trainer, with the command in it."
  type        = string
}

variable "command" {
  description = "What submits a training, such as [\"/submit-vertex.sh\"]."
  type        = list(string)
}

variable "environment" {
  description = "Environment of the command, such as REGION and IMAGE."
  type        = map(string)
  default     = {}
}

variable "memory" {
  description = "Memory of an instance: the subset has to fit in it, because files are memory there."
  type        = string
  default     = "2Gi"
}
