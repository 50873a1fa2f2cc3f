variable "project" {
  description = "Id of the Google Cloud project. It must be the same as in bootstrap."
  type        = string
}

variable "region" {
  description = "Region of all resources. europe-west4 has both kinds of GPU. Traffic within a region costs nothing."
  type        = string
  default     = "europe-west4"
}

variable "gpu_region" {
  description = <<-EOT
    Region of score-gpu, if region has no GPU of that kind; null for the same region. score-gpu reads images and weights
    from the buckets, and traffic between regions costs money.
  EOT
  type        = string
  default     = null
}

variable "bucket_location" {
  description = <<-EOT
    Location of the buckets: a region, a dual-region or a multi-region; null for the value of region. Reading from
    another region costs money.
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
    Networks that can reach curate's API: all, internal, or internal-and-cloud-load-balancing. Pushes of Pub/Sub count
    as internal. IAM also checks the callers.
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
    Network and subnetwork, by name or full name, for calls of the services (direct VPC egress); null for no VPC. egress
    selects the calls that use the VPC: all-traffic or private-ranges-only. With all-traffic, the subnetwork needs
    Private Google Access, and score-gpu accepts only internal calls. The subnetwork must be in the region of the
    services.
  EOT
  type = object({
    network    = string
    subnetwork = string
    egress     = optional(string, "private-ranges-only")
  })
  default = null

  validation {
    condition     = var.vpc == null || contains(["all-traffic", "private-ranges-only"], try(var.vpc.egress, ""))
    error_message = "vpc: egress must be all-traffic or private-ranges-only."
  }

  validation {
    condition     = var.vpc == null || var.gpu_region == null || var.gpu_region == var.region
    error_message = "vpc: one subnetwork cannot be in two regions; leave out gpu_region."
  }
}

variable "name" {
  description = "Prefix of all names. It must be the same as in bootstrap."
  type        = string
  default     = "harvest"
}

variable "functions_image" {
  description = "Image of the functions, by digest. The pipeline sets it. To roll back, give the earlier digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.functions_image))
    error_message = "functions_image: give an image by digest, .../functions@sha256:...; a tag may move."
  }
}

variable "sidecar_image" {
  description = <<-EOT
    Image of the GPU sidecar, by digest; empty for no GPU service. Without a GPU service, a dataset with the scorer gpu
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
    Kind of GPU: nvidia-rtx-pro-6000 or nvidia-l4. The first has 96 GB, enough for both models; its sidecar image must
    be the CUDA 13 build. The second has 24 GB, enough for fp8 weights or for one model; its image must be the CUDA 12
    build. The second is not tested. infra/README.md compares them.
  EOT
  type        = string
  default     = "nvidia-rtx-pro-6000"
}

variable "scorer" {
  description = "Default scorer of datasets: embedded, gpu or llm."
  type        = string
  default     = "embedded"

  validation {
    condition     = contains(["embedded", "gpu", "llm"], var.scorer) && (var.scorer != "gpu" || var.sidecar_image != "")
    error_message = "scorer: give embedded, gpu or llm. gpu needs sidecar_image."
  }

  validation {
    condition = var.scorer != "llm" || var.llm && (
      contains(keys(var.cost_per_million), "llm") || contains(keys(var.settings), "LLM_PRICES")
    )
    error_message = "scorer: llm needs llm = true and a price; set LLM_PRICES in settings, or llm in cost_per_million."
  }
}

variable "cost_per_million" {
  description = <<-EOT
    US dollars for a million samples, by kind of scorer, for the estimated cost of a run. If max_run_cost is set, a run
    with a scorer that has no price is refused. If LLM_PRICES is set in settings, it gives the price of llm. The price
    of gpu is for an L4; an RTX PRO 6000 costs less (infra/README.md has the calculation).
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
  description = "Estimated cost in US dollars above which a run waits for approval; 0 for no limit."
  type        = number
  default     = 500
}

variable "max_failed" {
  description = "Maximum share (5%) or number (20) of failed samples. If more samples fail, the run gets no selections."
  type        = string
  default     = "5%"
}

variable "max_instances" {
  description = <<-EOT
    Maximum number of instances of each service. It limits the cost: an instance of score-gpu costs about 78 US dollars
    in 24 hours, or 27 with an L4. The number of concurrent tasks of a run is computed from these values
    (environment.tf).
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
    Memory of each function in GiB. curate needs 20 MB, and 150 bytes for each sample of the largest run
    (shared/subset/README.md): 4 GiB are enough for 20 million samples, and 8 GiB for 50 million. score, score-gpu and
    curate read images, so they need 2 GiB for the largest allowed sample. With less memory they start only if
    MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES is lowered in settings.
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
    error_message = "memory: give whole numbers from 1 to 32 (GiB)."
  }
}

variable "settings" {
  description = <<-EOT
    More environment variables of all functions: any variable of functions/README.md, and OTEL_* variables. Do not put
    secrets here, because Terraform's state would contain them.
  EOT
  type        = map(string)
  default     = {}

  validation {
    condition     = !anytrue([for k, v in var.settings : can(regex("(KEY|TOKEN|SECRET|PASSWORD|HEADERS)$", k))])
    error_message = "settings: remove the key, token, secret, password or header; see the variable llm."
  }
}

variable "telemetry" {
  description = <<-EOT
    Whether the functions send traces and metrics to Google Cloud Observability. To send them elsewhere, set OTEL_*
    variables in settings. Logs and alerts do not need traces or metrics of the functions.
  EOT
  type        = bool
  default     = true
}

variable "sidecar_settings" {
  description = "More environment variables of the GPU sidecar (SIDECAR_*), for example SIDECAR_MODELS."
  type        = map(string)
  default     = {}

  validation {
    # With a token, the probe would be refused, and Cloud Run would restart the sidecar again and again.
    condition     = !contains(keys(var.sidecar_settings), "SIDECAR_TOKEN")
    error_message = "sidecar_settings: leave out SIDECAR_TOKEN: only the same instance can reach the sidecar."
  }
}

variable "image_buckets" {
  description = <<-EOT
    Names of other buckets with images of samples. The owners of these buckets must grant roles/storage.objectViewer to
    the accounts of score, score-gpu and curate (output accounts of bootstrap). curate checks if images have changed.
  EOT
  type        = list(string)
  default     = []
}

variable "llm" {
  description = <<-EOT
    Whether score gets LLM_API_KEY, the key for the endpoint of the scorer llm, from the secret that bootstrap created.
    First add the key to the secret. Put the other LLM_* variables into settings.
  EOT
  type        = bool
  default     = false
}

variable "api_users" {
  description = "IAM members that may call curate's API: user:..., group:..., serviceAccount:..."
  type        = list(string)
  default     = []

  validation {
    condition     = !anytrue([for m in var.api_users : contains(["allUsers", "allAuthenticatedUsers"], m)])
    error_message = "api_users: give users, groups or service accounts, not everyone: calls read data and cost money."
  }
}

variable "uploaders" {
  description = <<-EOT
    IAM members that may upload datasets and images to the input bucket. They may also replace and delete these objects.
  EOT
  type        = list(string)
  default     = []
}

variable "readers" {
  description = "IAM members that may read the work bucket, for example a training pipeline, or people with DuckDB."
  type        = list(string)
  default     = []
}

variable "alert_emails" {
  description = "Mail addresses for alerts."
  type        = list(string)
  default     = []
}

variable "gpu_hours_a_day" {
  description = "Limit of the alert about cost: GPU hours within 24 hours."
  type        = number
  default     = 24
}

variable "objectives" {
  description = <<-EOT
    Time limits, and the percentage (percent) of the runs and selections that should meet these limits. For runs:
    seconds from the upload to the last score for a million samples, with the scorer gpu and with other scorers; any run
    may take ten minutes more. For selections: seconds of one selection. Alerts fire if too many are late. 75000 seconds
    are 21 hours, the time of a million samples on two RTX PRO 6000.
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
    error_message = "objectives: percent must be above 0 and below 100."
  }
}

variable "run_hours" {
  description = <<-EOT
    Limit of the alert about an unfinished run, in hours after it was accepted. Raise it for longer runs: 2.6 million
    samples take 222 hours on two L4, and 53 hours on two RTX PRO 6000.
  EOT
  type        = number
  default     = 72
}

variable "kms_key" {
  description = <<-EOT
    Full name of the Cloud KMS key that encrypts the buckets; null for Google's own keys. It must be in the region of
    the buckets, and the same key as in bootstrap.
  EOT
  type        = string
  default     = null
}

variable "input_lifecycle" {
  description = <<-EOT
    Lifecycle of objects in the input bucket, by prefix: days until they are moved to cheaper storage, and days until
    they are deleted; null for never. A run reads its images while it is scored, and its manifests until its selections
    are written. By default images are not moved: moving a million images costs 10 US dollars in operations, and saves
    0.50 US dollars a month.
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
    Lifecycle of objects in the work bucket, by prefix. If a run is deleted, its scores are deleted, and the same
    dataset is scored again. Moving the many small objects of a run costs more than cheaper storage saves.
  EOT
  type = map(object({
    nearline_after_days = optional(number)
    delete_after_days   = optional(number)
  }))
  default = {}
}

variable "deletion_protection" {
  description = <<-EOT
    Whether Terraform refuses to delete services, and buckets that hold objects. Before a teardown, set it to false and
    apply.
  EOT
  type        = bool
  default     = true
}
