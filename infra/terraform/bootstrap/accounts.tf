# The project's owner creates the accounts, and grants their roles on the project, with this configuration. So the
# pipeline that deploys needs no right to create accounts or to grant roles on the project. No account has a key.
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

# Pub/Sub signs pushes with this account. The account may only call services.
resource "google_service_account" "push" {
  account_id   = "${var.name}-push"
  display_name = "Signs Pub/Sub's pushes to the services"
  depends_on   = [google_project_service.api]
}

locals {
  # Roles for writing the traces and metrics of a service. They do not allow reading.
  telemetry = ["roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"]
  senders = {
    for pair in setproduct(keys(local.services), local.telemetry) :
    "${pair[0]} ${pair[1]}" => { service = pair[0], role = pair[1] }
  }
}

# The roles are granted on the project, because traces and metrics do not belong to a smaller resource.
resource "google_project_iam_member" "telemetry" {
  for_each = local.senders

  project = var.project
  role    = each.value.role
  member  = google_service_account.service[each.value.service].member
}

# The project's number is part of the names of Google's agents.
data "google_project" "this" {
  depends_on = [google_project_service.api]
}

# Pub/Sub's agent makes the tokens of pushes. Projects from before April 2021 need this grant.
resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# curate signs links to the outputs of selections, which Cloud Storage serves. For this it may sign with its own
# account.
resource "google_service_account_iam_member" "curate_links" {
  service_account_id = google_service_account.service["curate"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.service["curate"].member
}
