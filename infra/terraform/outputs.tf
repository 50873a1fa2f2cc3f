output "curate_url" {
  description = "Base URL of the HTTP API. Callers need an ID token; `gcloud run services proxy` gives people one."
  value       = module.functions.urls.curate
}

output "input_bucket" {
  description = "Where datasets are dropped: images to images/<dataset>/, then the manifest to datasets/<dataset>/."
  value       = module.storage.input_bucket
}

output "work_bucket" {
  description = "Where runs and their selections are."
  value       = module.storage.work_bucket
}

output "weights_bucket" {
  description = "Where the GPU sidecar reads its models: scorer/ and styler/."
  value       = module.storage.weights_bucket
}

output "events_topic" {
  description = "Topic to subscribe to: selection.completed starts a training pipeline."
  value       = module.messaging.topics.events
}

output "services" {
  description = "Names of the Cloud Run services."
  value       = concat(module.functions.services, local.with_gpu ? [module.gpu[0].service] : [])
}

output "images" {
  description = "The images that are deployed: note them before an upgrade; a rollback gives them again."
  value       = { functions_image = var.functions_image, sidecar_image = var.sidecar_image }
}

output "dashboard_url" {
  description = "The dashboard in the Cloud console."
  value       = module.monitoring.dashboard_url
}
