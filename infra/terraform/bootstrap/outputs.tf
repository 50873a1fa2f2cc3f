locals {
  repository = google_artifact_registry_repository.images.repository_id
}

output "images" {
  description = "Registry of images. The pipeline pushes images to it, and the services pull images from it."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${local.repository}"
}

output "deploy_account" {
  description = "Account of the pipeline, for `gcloud builds submit --service-account`."
  value       = google_service_account.deploy.id
}

output "accounts" {
  description = <<-EOT
    E-mail addresses of the services' accounts, by service. Image buckets of other projects must grant these accounts
    access.
  EOT
  value       = { for service, account in google_service_account.service : service => account.email }
}

output "llm_secret" {
  description = "Name of the secret for the key of the scorer llm."
  value       = google_secret_manager_secret.llm_api_key.secret_id
}
