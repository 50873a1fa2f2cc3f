output "input_bucket" {
  description = "Name of the input bucket."
  value       = google_storage_bucket.this["input"].name
}

output "work_bucket" {
  description = "Name of the work bucket."
  value       = google_storage_bucket.this["work"].name
}

output "weights_bucket" {
  description = "Name of the bucket of weights."
  value       = google_storage_bucket.this["weights"].name
}
