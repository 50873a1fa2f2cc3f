locals {
  apis = [
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",    # continues runs whose messages were lost
    "cloudtrace.googleapis.com",        # keeps traces
    "containeranalysis.googleapis.com", # keeps the provenance of images
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "ondemandscanning.googleapis.com", # the pipeline's scan of images
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com", # traces and metrics by OTLP
  ]
}

# Nearly all of these APIs are disabled in a new project.
resource "google_project_service" "api" {
  for_each = toset(local.apis)

  service = each.key
  # Other parts of the project may use the API.
  disable_on_destroy = false
}
