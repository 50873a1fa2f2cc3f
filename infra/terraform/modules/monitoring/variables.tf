variable "project" {
  description = "Id of the Google Cloud project, for links to the console."
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

variable "with_gpu" {
  description = "Whether there is a GPU service; if so, there are alerts about it."
  type        = bool
}

variable "emails" {
  description = "Mail addresses for alerts. If the list is empty, alerts are shown only in the console."
  type        = list(string)
}

variable "gpu_hours_a_day" {
  description = "Limit of the alert about cost: GPU hours within 24 hours."
  type        = number
}

variable "message_hours" {
  description = "Limit of the alert about a waiting message, in hours. A message is lost after 31 days."
  type        = number
  default     = 24
}

variable "run_hours" {
  description = "Limit of the alert about an unfinished run or selection, in hours after it was accepted."
  type        = number
}

variable "objectives" {
  description = "Time limits of runs and of selections, and the percentage that should meet them."
  type = object({
    percent                 = number
    seconds_per_million     = number
    gpu_seconds_per_million = number
    selection_seconds       = number
  })
}

variable "failure_percent" {
  description = "Limit of the alert about failed samples: percentage of the samples within an hour."
  type        = number
  default     = 5
}
