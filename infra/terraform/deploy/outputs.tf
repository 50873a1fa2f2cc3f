output "curate_url" {
  description = "Base URL of the HTTP API. Callers need an ID token; `gcloud run services proxy` adds one."
  value       = module.harvest.curate_url
}

output "input_bucket" {
  description = "Bucket for uploads: first images to images/<dataset>/, then the manifest to datasets/<dataset>/."
  value       = module.harvest.input_bucket
}

output "work_bucket" {
  description = "Bucket that holds runs and their selections."
  value       = module.harvest.work_bucket
}

output "weights_bucket" {
  description = "Bucket from which the GPU sidecar reads its models, in scorer/ and styler/."
  value       = module.harvest.weights_bucket
}

output "events_topic" {
  description = "Topic of events. A training pipeline can subscribe to it for the event selection.completed."
  value       = module.harvest.events_topic
}

output "services" {
  description = "Names of the Cloud Run services."
  value       = module.harvest.services
}

output "images" {
  description = "Deployed images. Note them before an upgrade: a rollback needs them."
  value       = module.harvest.images
}

output "dashboard_url" {
  description = "URL of the dashboard in the Cloud console."
  value       = module.harvest.dashboard_url
}
