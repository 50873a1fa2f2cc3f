locals {
  # Cloud Scheduler's own account in this project.
  scheduler_agent = "serviceAccount:service-${var.project_number}@gcp-sa-cloudscheduler.iam.gserviceaccount.com"

  # A task as shared/events has it; a test compares both.
  reconcile = { attributes = { task = "reconcile" }, data = "{}" }
}

# What was accepted and is not finished is continued from its objects, even if every message about it was lost.
resource "google_cloud_scheduler_job" "reconcile" {
  name        = "${var.name}-reconcile"
  description = "Has curate continue what was accepted and is not finished"
  region      = var.region
  schedule    = "*/10 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.this["tasks"].id
    attributes = local.reconcile.attributes
    data       = base64encode(local.reconcile.data)
  }

  depends_on = [google_pubsub_topic_iam_member.publisher]
}
