output "curate_url" {
  description = "Base URL of the HTTP API. Callers need an ID token; `gcloud run services proxy` gives people one."
  value       = module.harvest.curate_url
}

output "input_bucket" {
  description = "Where datasets are dropped: images to images/<dataset>/, then the manifest to datasets/<dataset>/."
  value       = module.harvest.input_bucket
}

output "work_bucket" {
  description = "Where runs and their selections are."
  value       = module.harvest.work_bucket
}

output "weights_bucket" {
  description = "Where the GPU sidecar reads its models: scorer/ and styler/."
  value       = module.harvest.weights_bucket
}

output "events_topic" {
  description = "Topic to subscribe to: selection.completed starts a training pipeline."
  value       = module.harvest.events_topic
}

output "services" {
  description = "Names of the Cloud Run services."
  value       = module.harvest.services
}

output "images" {
  description = "The images that are deployed: note them before an upgrade; a rollback gives them again."
  value       = module.harvest.images
}

output "dashboard_url" {
  description = "The dashboard in the Cloud console."
  value       = module.harvest.dashboard_url
}
