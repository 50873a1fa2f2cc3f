locals {
  # The account of Cloud Scheduler in this project.
  scheduler_agent = "serviceAccount:service-${var.project_number}@gcp-sa-cloudscheduler.iam.gserviceaccount.com"

  # The task reconcile of shared/events; a test compares both.
  reconcile = { attributes = { task = "reconcile" }, data = "{}" }
}

# curate continues accepted runs and selections from their objects, even if every message about them was lost.
resource "google_cloud_scheduler_job" "reconcile" {
  name        = "${var.name}-reconcile"
  description = "Makes curate continue unfinished runs and selections"
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
