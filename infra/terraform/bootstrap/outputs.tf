locals {
  repository = google_artifact_registry_repository.images.repository_id
}

output "images" {
  description = "Where the pipeline pushes images to, and services take them from."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${local.repository}"
}

output "deploy_account" {
  description = "What `gcloud builds submit --service-account` takes."
  value       = google_service_account.deploy.id
}

output "accounts" {
  description = <<-EOT
    E-mail addresses of the services' accounts, by service: who to grant access to image buckets of other projects.
  EOT
  value       = { for service, account in google_service_account.service : service => account.email }
}

output "llm_secret" {
  description = "Name of the secret that the LLM scorer's key is added to."
  value       = google_secret_manager_secret.llm_api_key.secret_id
}
