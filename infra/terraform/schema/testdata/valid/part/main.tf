variable "given" {
  description = "What has to be given."
  type        = string
}

output "given" {
  description = "The same as given."
  value       = var.given
}
