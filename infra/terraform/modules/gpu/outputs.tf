output "url" {
  description = "Base URL of the service."
  value       = google_cloud_run_v2_service.score_gpu.uri
}

output "service" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.score_gpu.name
}
