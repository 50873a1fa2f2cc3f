locals {
  # Pub/Sub's own account in this project.
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# To move a dead letter, Pub/Sub acknowledges it in the subscription it came from.
resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = local.with_dead_letters

  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
