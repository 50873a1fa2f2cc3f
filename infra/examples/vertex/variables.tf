variable "project" {
  description = "Id of Harvest's Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of workflow, trigger, claims and jobs."
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

variable "input_bucket" {
  description = "The module's output input_bucket, which has the images."
  type        = string
}

variable "trainer_image" {
  description = "Image that trains: it gets HARVEST_SUBSET and HARVEST_IMAGES as gs:// URIs."
  type        = string
}

variable "machine" {
  description = "Type of machine of a training."
  type        = string
  default     = "a2-highgpu-1g"
}

variable "accelerator" {
  description = "Type of the machine's GPU, in Vertex AI's words."
  type        = string
  default     = "NVIDIA_TESLA_A100"
}
