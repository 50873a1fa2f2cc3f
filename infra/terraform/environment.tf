locals {
  # What all functions take from their environment (functions/config). Variables that would be empty are left out:
  # there, one that is set to nothing counts as set. API_URL is the address that Cloud Run gives a service, known before
  # the service exists: https://cloud.google.com/run/docs/triggering/https-request#deterministic
  environment = merge({
    GOOGLE_CLOUD_PROJECT = var.project
    INPUT_BUCKET         = "gs://${module.storage.input_bucket}"
    WORK_BUCKET          = "gs://${module.storage.work_bucket}"
    TASKS_TOPIC          = module.messaging.topics.tasks
    EVENTS_TOPIC         = module.messaging.topics.events
    DEPLOYMENT           = var.name
    API_URL              = "https://${var.name}-curate-${data.google_project.this.number}.${var.region}.run.app"
    SCORER               = var.scorer
    COST_PER_MILLION     = join(",", [for kind, dollars in var.cost_per_million : "${kind}=${dollars}"])
    MAX_RUN_COST         = tostring(var.max_run_cost)
    MAX_FAILED           = var.max_failed
    PUSH_SENDER          = local.accounts.push
    },
    # By OTLP, straight to Google's endpoint, which takes the service account's own credentials.
    var.telemetry ? {
      OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
      OTEL_RESOURCE_ATTRIBUTES    = "gcp.project_id=${var.project},cloud.region=${var.region}"
    } : {},
    length(var.image_buckets) > 0 ? { IMAGE_BUCKETS = join(",", var.image_buckets) } : {},
    var.settings,
  )
}
