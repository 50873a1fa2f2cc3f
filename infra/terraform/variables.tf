variable "project" {
  description = "Id of the Google Cloud project, the same as in bootstrap."
  type        = string
}

variable "region" {
  description = "Region of everything. europe-west4 has both kinds of GPU; traffic within a region costs nothing."
  type        = string
  default     = "europe-west4"
}

variable "gpu_region" {
  description = <<-EOT
    Region of score-gpu, if region has no GPU of that kind; null for region. It reads images and weights from the
    buckets, and traffic between regions costs.
  EOT
  type        = string
  default     = null
}

variable "bucket_location" {
  description = <<-EOT
    Where the buckets are: a region, a dual-region or a multi-region; null for region. Reading from another region
    costs.
  EOT
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of all resources that can have labels, in addition to app = name."
  type        = map(string)
  default     = {}
}

variable "ingress" {
  description = <<-EOT
    Who can reach curate's API on the network, before IAM decides: all, internal, or internal-and-cloud-load-balancing.
    Pub/Sub's pushes are internal.
  EOT
  type        = string
  default     = "all"

  validation {
    condition     = contains(["all", "internal", "internal-and-cloud-load-balancing"], var.ingress)
    error_message = "ingress: give all, internal, or internal-and-cloud-load-balancing."
  }
}

variable "vpc" {
  description = <<-EOT
    Network and subnetwork, by name or full name, for the services' own calls (direct VPC egress); null for none. egress
    says which calls use it: all-traffic or private-ranges-only. With all-traffic the subnetwork needs Private Google
    Access, and score-gpu takes internal calls alone. The subnetwork has to be in the region of the services.
  EOT
  type = object({
    network    = string
    subnetwork = string
    egress     = optional(string, "private-ranges-only")
  })
  default = null

  validation {
    condition     = var.vpc == null || contains(["all-traffic", "private-ranges-only"], try(var.vpc.egress, ""))
    error_message = "vpc: egress is all-traffic or private-ranges-only."
  }

  validation {
    condition     = var.vpc == null || var.gpu_region == null || var.gpu_region == var.region
    error_message = "vpc: one subnetwork cannot be in two regions: leave gpu_region out."
  }
}

variable "name" {
  description = "Prefix of all names. It must be the same as in bootstrap."
  type        = string
  default     = "harvest"
}

variable "functions_image" {
  description = "Image of the functions, by digest. The pipeline sets it; to roll back, give the earlier digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.functions_image))
    error_message = "functions_image: give an image by digest, .../functions@sha256:...; a tag may move."
  }
}

variable "sidecar_image" {
  description = <<-EOT
    Image of the GPU sidecar, by digest; empty for no GPU service, and then a dataset that asks for the scorer gpu
    is refused.
  EOT
  type        = string
  default     = ""

  validation {
    condition     = var.sidecar_image == "" || can(regex("@sha256:[0-9a-f]{64}$", var.sidecar_image))
    error_message = "sidecar_image: give an image by digest, .../sidecar@sha256:...; a tag may move."
  }
}

variable "gpu" {
  description = <<-EOT
    Kind of GPU: nvidia-rtx-pro-6000 (96 GB: both models as they are; the sidecar's image must be the CUDA 13 build)
    or nvidia-l4 (24 GB: fp8 weights, or one of the two models; the CUDA 12 build; unproven). infra/README.md
    compares them.
  EOT
  type        = string
  default     = "nvidia-rtx-pro-6000"
}

variable "scorer" {
  description = "Scorer of datasets that name none: embedded, gpu or llm."
  type        = string
  default     = "embedded"

  validation {
    condition     = contains(["embedded", "gpu", "llm"], var.scorer) && (var.scorer != "gpu" || var.sidecar_image != "")
    error_message = "scorer: give embedded, gpu or llm; gpu needs sidecar_image."
  }

  validation {
    condition = var.scorer != "llm" || var.llm && (
      contains(keys(var.cost_per_million), "llm") || contains(keys(var.settings), "LLM_PRICES")
    )
    error_message = "scorer: llm needs llm = true, and a price: LLM_PRICES in settings or llm in cost_per_million."
  }
}

variable "cost_per_million" {
  description = <<-EOT
    US dollars for a million samples, by kind of scorer, for the estimate of a run. A run by a scorer without a price is
    refused while max_run_cost is set. The price of llm follows from LLM_PRICES in settings, if that is set. The price
    of gpu is for an L4; an RTX PRO 6000 costs less (infra/README.md has the arithmetic).
  EOT
  type        = map(number)
  default     = { embedded = 1, gpu = 195 }

  validation {
    condition = alltrue([
      for kind, dollars in var.cost_per_million : contains(["embedded", "gpu", "llm"], kind) && dollars >= 0
    ])
    error_message = "cost_per_million: give dollars for embedded, gpu or llm, each 0 or more."
  }
}

variable "max_run_cost" {
  description = "US dollars of estimated cost above which a run waits for approval; 0 for no limit."
  type        = number
  default     = 500
}

variable "max_failed" {
  description = "Most failed samples of a run from which a selection is still made: a share (5%) or a number (20)."
  type        = string
  default     = "5%"
}

variable "max_instances" {
  description = <<-EOT
    Most instances of each service, which bounds the cost. In 24 hours one instance of score-gpu costs about 78 US
    dollars, on an L4 27. The number of a run's tasks in flight follows from these (environment.tf).
  EOT
  type = object({
    ingest    = optional(number, 10)
    score     = optional(number, 20)
    score_gpu = optional(number, 2)
    curate    = optional(number, 5)
  })
  default = {}
}

variable "memory" {
  description = <<-EOT
    Memory of each function in GiB. curate needs 150 bytes for each sample of the largest run, and 20 MB more
    (shared/subset/README.md): 4 GiB are enough for 20 million samples, and 8 GiB for 50 million. Services that rate,
    and curate, whose reports show images, need 2 for the largest sample within the limits; with less they do not start
    unless MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES is lowered in settings.
  EOT
  type = object({
    ingest    = optional(number, 1)
    score     = optional(number, 2)
    score_gpu = optional(number, 2)
    curate    = optional(number, 4)
  })
  default = {}

  validation {
    condition     = alltrue([for gib in values(var.memory) : gib >= 1 && gib <= 32 && floor(gib) == gib])
    error_message = "memory: Cloud Run gives a function 1 to 32 GiB; give whole numbers."
  }
}

variable "settings" {
  description = <<-EOT
    Further environment of all functions: any variable of functions/README.md, and OTEL_* variables. Do not put secrets
    here, because Terraform's state would have them.
  EOT
  type        = map(string)
  default     = {}

  validation {
    condition     = !anytrue([for k, v in var.settings : can(regex("(KEY|TOKEN|SECRET|PASSWORD|HEADERS)$", k))])
    error_message = "settings: a key, token, secret, password or header does not belong here; see llm."
  }
}

variable "telemetry" {
  description = <<-EOT
    Whether the functions send traces and metrics to Google Cloud Observability. To send them elsewhere, set OTEL_
    variables in settings. Logs and alerts need neither.
  EOT
  type        = bool
  default     = true
}

variable "sidecar_settings" {
  description = "Further environment of the GPU sidecar, SIDECAR_*; for instance SIDECAR_MODELS."
  type        = map(string)
  default     = {}
}

variable "image_buckets" {
  description = <<-EOT
    Names of further buckets that samples may name images in. Their owners must grant roles/storage.objectViewer to the
    accounts of score, score-gpu and curate; curate checks whether images have changed. See bootstrap's output accounts.
  EOT
  type        = list(string)
  default     = []
}

variable "llm" {
  description = <<-EOT
    Whether score gets LLM_API_KEY, the key of the LLM scorer's endpoint, from the secret that bootstrap made. Add the
    key to the secret first. The other LLM_ variables belong into settings.
  EOT
  type        = bool
  default     = false
}

variable "api_users" {
  description = "Who may call curate's API, as IAM members: user:..., group:..., serviceAccount:..."
  type        = list(string)
  default     = []

  validation {
    condition     = !anytrue([for m in var.api_users : contains(["allUsers", "allAuthenticatedUsers"], m)])
    error_message = "api_users: curate reads and spends: name users, groups or service accounts, not everyone."
  }
}

variable "uploaders" {
  description = <<-EOT
    Who may put datasets and images into the input bucket, as IAM members; they may replace and delete them too.
  EOT
  type        = list(string)
  default     = []
}

variable "readers" {
  description = "Who may read the work bucket, as IAM members: a training pipeline, people with DuckDB."
  type        = list(string)
  default     = []
}

variable "alert_emails" {
  description = "Mail addresses for alerts."
  type        = list(string)
  default     = []
}

variable "gpu_hours_a_day" {
  description = "GPU hours within 24 hours above which the alert about cost fires."
  type        = number
  default     = 24
}

variable "objectives" {
  description = <<-EOT
    Objectives for so many percent of the runs and selections. For runs: the seconds from a drop to the last score for a
    million samples, by the scorer gpu and by others; any run may take ten minutes more. For selections: the seconds of
    one selection. Alerts fire when too many are late. 75000 seconds are 21 hours, the time of a million samples on two
    RTX PRO 6000.
  EOT
  type = object({
    percent                 = optional(number, 95)
    seconds_per_million     = optional(number, 3600)
    gpu_seconds_per_million = optional(number, 75000)
    selection_seconds       = optional(number, 600)
  })
  default = {}

  validation {
    condition     = var.objectives.percent > 0 && var.objectives.percent < 100
    error_message = "objectives: percent is above 0 and below 100."
  }
}

variable "run_hours" {
  description = <<-EOT
    Hours after which the alert about an unfinished run fires. Raise it for longer runs: 2.6 million samples take 222
    hours on two L4, and 53 on two RTX PRO 6000.
  EOT
  type        = number
  default     = 72
}

variable "kms_key" {
  description = <<-EOT
    Full name of a Cloud KMS key in the region that encrypts the buckets, the same as in bootstrap; null for
    Google's own keys.
  EOT
  type        = string
  default     = null
}

variable "input_lifecycle" {
  description = <<-EOT
    Lifecycle of objects in the input bucket, by prefix: days until they move to cheaper storage, and days until they
    are deleted; null for never. A run reads its images while it is scored, and its manifests until its selections are
    written. Images do not move by default: to move a million to cheaper storage costs 10 US dollars in operations, and
    saves 0.50 a month.
  EOT
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
  default = {
    "datasets/" = { nearline_after_days = 90 }
  }
}

variable "work_lifecycle" {
  description = <<-EOT
    Lifecycle of objects in the work bucket. Deleting a run deletes its scores, and the same dataset is then scored
    again. A run's many small objects cost more to move than cheaper storage saves.
  EOT
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
  default = {}
}

variable "deletion_protection" {
  description = <<-EOT
    Whether Terraform refuses to delete services and buckets that hold objects. Set to false, and apply, before a
    teardown.
  EOT
  type        = bool
  default     = true
}
