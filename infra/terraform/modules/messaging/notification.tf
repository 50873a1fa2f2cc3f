# To ask for the agent is also what makes it.
data "google_storage_project_service_account" "gcs" {}

# Cloud Storage publishes as its own agent, and checks when the notification is made that it may.
resource "google_pubsub_topic_iam_member" "storage" {
  topic  = google_pubsub_topic.this["uploads"].name
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.gcs.member
}

resource "google_storage_notification" "datasets" {
  bucket         = var.input_bucket
  topic          = google_pubsub_topic.this["uploads"].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  # Millions of images arrive before a manifest does, and start nothing.
  object_name_prefix = "datasets/"

  depends_on = [google_pubsub_topic_iam_member.storage]
}
