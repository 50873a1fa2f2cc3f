# Starts a training for each selection that Harvest completes: Eventarc -> Workflows -> Vertex AI.
locals {
  labels = merge({ app = var.name }, var.labels)
}

# The account of the workflow and of the training job.
resource "google_service_account" "training" {
  account_id   = "${var.name}-training"
  display_name = "Starts and runs trainings on selections of Harvest"
}

# Roles on the project: the account receives events, starts the workflow, and starts jobs.
resource "google_project_iam_member" "training" {
  for_each = toset([
    "roles/eventarc.eventReceiver", "roles/workflows.invoker", "roles/aiplatform.user", "roles/logging.logWriter",
  ])

  project = var.project
  role    = each.key
  member  = google_service_account.training.member
}

# To start a job with an account, the caller must be allowed to act as that account.
resource "google_service_account_iam_member" "act" {
  service_account_id = google_service_account.training.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.training.member
}

# One object for each training that was started.
resource "google_storage_bucket" "claims" {
  name                        = "${var.project}-${var.name}-claims"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

# The workflow creates claims, and deletes the claim of a job that could not be started.
resource "google_storage_bucket_iam_member" "claims" {
  bucket = google_storage_bucket.claims.name
  role   = "roles/storage.objectUser"
  member = google_service_account.training.member
}

# The job reads the subset and its images.
resource "google_storage_bucket_iam_member" "data" {
  for_each = { work = var.work_bucket, input = var.input_bucket }

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = google_service_account.training.member
}

resource "google_workflows_workflow" "train" {
  name            = "${var.name}-train"
  description     = "Starts a training for each selection that Harvest completes"
  region          = var.region
  service_account = google_service_account.training.id
  source_contents = file("${path.module}/workflow.yaml")
  labels          = local.labels

  user_env_vars = {
    REGION        = var.region
    CLAIMS_BUCKET = google_storage_bucket.claims.name
    JOB_ACCOUNT   = google_service_account.training.email
    TRAINER_IMAGE = var.trainer_image
    MACHINE       = var.machine
    ACCELERATOR   = var.accelerator
  }
}

# All events of the topic reach the workflow, which ignores events that are not about selections.
resource "google_eventarc_trigger" "selections" {
  name            = "${var.name}-train"
  location        = var.region
  service_account = google_service_account.training.email
  labels          = local.labels

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.pubsub.topic.v1.messagePublished"
  }

  transport {
    pubsub {
      topic = "projects/${var.project}/topics/${var.events_topic}"
    }
  }

  destination {
    workflow = google_workflows_workflow.train.id
  }

  depends_on = [google_project_iam_member.training]
}
