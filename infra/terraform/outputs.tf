output "curate_url" {
  description = "Base URL of the HTTP API. Callers need an ID token; `gcloud run services proxy` adds one."
  value       = module.functions.urls.curate
}

output "input_bucket" {
  description = "Bucket for uploads: first images to images/<dataset>/, then the manifest to datasets/<dataset>/."
  value       = module.storage.input_bucket
}

output "work_bucket" {
  description = "Bucket that holds runs and their selections."
  value       = module.storage.work_bucket
}

output "weights_bucket" {
  description = "Bucket from which the GPU sidecar reads its models, in scorer/ and styler/."
  value       = module.storage.weights_bucket
}

output "events_topic" {
  description = "Topic of events. A training pipeline can subscribe to it for the event selection.completed."
  value       = module.messaging.topics.events
}

output "services" {
  description = "Names of the Cloud Run services."
  value       = concat(module.functions.services, local.with_gpu ? [module.gpu[0].service] : [])
}

output "images" {
  description = "Deployed images. Note them before an upgrade: a rollback needs them."
  value       = { functions_image = var.functions_image, sidecar_image = var.sidecar_image }
}

output "dashboard_url" {
  description = "URL of the dashboard in the Cloud console."
  value       = module.monitoring.dashboard_url
}
