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
  description = "Labels of all resources that can have labels, in addition to app = name."
  type        = map(string)
  default     = {}
}

variable "events_topic" {
  description = "Output events_topic of the Harvest module."
  type        = string
  default     = "harvest-events"
}

variable "work_bucket" {
  description = "Output work_bucket of the Harvest module. It has the subset."
  type        = string
}

variable "image" {
  description = "Image with the program trainer as entrypoint, and with the command."
  type        = string
}

variable "command" {
  description = "Command that submits a training, such as [\"/submit-vertex.sh\"]."
  type        = list(string)
}

variable "environment" {
  description = "Environment variables of the command, such as REGION and IMAGE."
  type        = map(string)
  default     = {}
}

variable "memory" {
  description = "Memory of an instance. The subset must fit into it, because files are in memory."
  type        = string
  default     = "2Gi"
}
