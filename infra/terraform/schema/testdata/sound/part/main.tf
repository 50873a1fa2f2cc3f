variable "given" {
  description = "What has to be given."
  type        = string
}

output "given" {
  description = "What was given, again."
  value       = var.given
}
