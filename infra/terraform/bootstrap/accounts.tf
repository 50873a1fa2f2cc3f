# Who there is. Accounts, and what they may do in the project as a whole, are made here by the project's owner, so that
# the pipeline that deploys needs no right to make accounts or to grant roles on the project. None has a key.
locals {
  services = {
    ingest    = "Cuts datasets into shards"
    score     = "Rates shards without a GPU"
    score-gpu = "Rates shards with a GPU"
    curate    = "Answers the API and makes selections"
  }
}

resource "google_service_account" "service" {
  for_each = local.services

  account_id   = "${var.name}-${each.key}"
  display_name = each.value
  depends_on   = [google_project_service.api]
}

# Who Pub/Sub says it is when it pushes: it may call services, and nothing else.
resource "google_service_account" "push" {
  account_id   = "${var.name}-push"
  display_name = "Signs what Pub/Sub pushes to the services"
  depends_on   = [google_project_service.api]
}

locals {
  # For the logs and metrics of a service; neither role reads anything.
  telemetry = ["roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"]
  senders = {
    for pair in setproduct(keys(local.services), local.telemetry) :
    "${pair[0]} ${pair[1]}" => { service = pair[0], role = pair[1] }
  }
}

# On the project, because traces and metrics belong to nothing smaller.
resource "google_project_iam_member" "telemetry" {
  for_each = local.senders

  project = var.project
  role    = each.value.role
  member  = google_service_account.service[each.value.service].member
}

# For its number, which is part of the addresses of Google's agents.
data "google_project" "this" {
  depends_on = [google_project_service.api]
}

# Pub/Sub's own agent makes the tokens of pushes. Projects since April 2021 allow it that anyway; older ones do not.
resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# curate signs links to the outputs of selections, which the storage serves: it may sign as itself.
resource "google_service_account_iam_member" "curate_links" {
  service_account_id = google_service_account.service["curate"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.service["curate"].member
}
