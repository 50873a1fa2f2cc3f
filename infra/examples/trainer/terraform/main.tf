# This module runs the trainer as a Cloud Run service that receives pushes from Pub/Sub. The image has the program
# trainer, and the command that submits a training.
locals {
  labels = merge({ app = var.name }, var.labels)
}

# The account of the service. It also signs pushes to the service.
resource "google_service_account" "trainer" {
  account_id   = "${var.name}-trainer"
  display_name = "Starts trainings on selections of Harvest"
}

# This bucket records the started trainings: one object for each attempt.
resource "google_storage_bucket" "state" {
  name                        = "${var.project}-${var.name}-trainings"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

# The trainer creates and reads these objects, and never replaces them.
resource "google_storage_bucket_iam_member" "trainer" {
  for_each = {
    "state create" = { bucket = google_storage_bucket.state.name, role = "roles/storage.objectCreator" }
    "state view"   = { bucket = google_storage_bucket.state.name, role = "roles/storage.objectViewer" }
    "work view"    = { bucket = var.work_bucket, role = "roles/storage.objectViewer" }
  }

  bucket = each.value.bucket
  role   = each.value.role
  member = google_service_account.trainer.member
}

resource "google_cloud_run_v2_service" "trainer" {
  name     = "${var.name}-trainer"
  location = var.region
  labels   = local.labels
  # Pub/Sub's pushes of the same project count as internal.
  ingress = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  template {
    labels                           = local.labels
    service_account                  = google_service_account.trainer.email
    max_instance_request_concurrency = 1
    timeout                          = "600s"

    scaling {
      min_instance_count = 0
      max_instance_count = 2
    }

    containers {
      image = var.image
      args = concat([
        "-listen", ":8080", "-state", "gs://${google_storage_bucket.state.name}", "-out", "/tmp", "--",
      ], var.command)

      resources {
        limits = { cpu = "1", memory = var.memory } # the subset is downloaded into memory
      }

      dynamic "env" {
        for_each = var.environment
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }
}

# Only this account may call the service; pushes are signed with it.
resource "google_cloud_run_v2_service_iam_member" "push" {
  name     = google_cloud_run_v2_service.trainer.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.trainer.member
}

# If another instance is starting the same training, the answer is 503, and the message is redelivered.
resource "google_pubsub_subscription" "selections" {
  name   = "${var.name}-trainer"
  topic  = "projects/${var.project}/topics/${var.events_topic}"
  labels = local.labels
  filter = "attributes.type = \"selection.completed\""

  ack_deadline_seconds       = 600
  message_retention_duration = "2678400s" # 31 days, the longest

  push_config {
    push_endpoint = google_cloud_run_v2_service.trainer.uri
    oidc_token {
      service_account_email = google_service_account.trainer.email
      audience              = google_cloud_run_v2_service.trainer.uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  expiration_policy {
    ttl = ""
  }
}
