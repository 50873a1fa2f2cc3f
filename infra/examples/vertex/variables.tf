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

variable "input_bucket" {
  description = "Output input_bucket of the Harvest module. It has the images."
  type        = string
}

variable "trainer_image" {
  description = "Image of the trainer. It gets HARVEST_SUBSET and HARVEST_IMAGES as gs:// URIs."
  type        = string
}

variable "machine" {
  description = "Machine type of a training."
  type        = string
  default     = "a2-highgpu-1g"
}

variable "accelerator" {
  description = "GPU type of the machine: the name that Vertex AI uses."
  type        = string
  default     = "NVIDIA_TESLA_A100"
}
