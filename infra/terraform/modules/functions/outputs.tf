output "urls" {
  description = "Base URLs of the services, by function."
  value       = { for key, service in google_cloud_run_v2_service.function : key => service.uri }
}

output "services" {
  description = "Names of the services."
  value       = [for service in google_cloud_run_v2_service.function : service.name]
}
