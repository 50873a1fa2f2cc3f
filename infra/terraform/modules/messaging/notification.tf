# Reading this data source also creates the agent.
data "google_storage_project_service_account" "gcs" {}

# Cloud Storage publishes with its agent. It checks this permission when the notification is created.
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
  # Images have another prefix: millions of them may arrive before a manifest, and must not start anything.
  object_name_prefix = "datasets/"

  depends_on = [google_pubsub_topic_iam_member.storage]
}
