variable "project" {
  description = "Project id, for links into the console."
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

variable "with_gpu" {
  description = "Whether there is a GPU service, and so alerts about it."
  type        = bool
}

variable "emails" {
  description = "Mail addresses for alerts; with none, alerts only show in the console."
  type        = list(string)
}

variable "gpu_hours_a_day" {
  description = "GPU hours within 24 hours above which the alert about cost fires."
  type        = number
}

variable "message_hours" {
  description = "Hours that a message may wait. It is lost after 31 days."
  type        = number
  default     = 24
}

variable "run_hours" {
  description = "Hours after which a run or a selection that was accepted should be finished."
  type        = number
}

variable "objectives" {
  description = "What is in time, and how many percent of runs and of selections should be."
  type = object({
    percent                 = number
    seconds_per_million     = number
    gpu_seconds_per_million = number
    selection_seconds       = number
  })
}

variable "failure_percent" {
  description = "Percent of samples that may fail within an hour."
  type        = number
  default     = 5
}
