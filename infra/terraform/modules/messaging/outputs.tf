output "topics" {
  description = "Names of the topics."
  value       = { for key, topic in google_pubsub_topic.this : key => topic.name }
}

output "dead_subscription" {
  description = "Name of the pull subscription that keeps dead letters."
  value       = google_pubsub_subscription.dead.name
}
