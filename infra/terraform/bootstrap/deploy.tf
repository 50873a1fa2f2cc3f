# The account of Cloud Build. It can replace every resource of Harvest, including data, and deploy code with the account
# of any service. A person who may start a build, or push to the built branch, can do the same. So protect builds and
# the branch. The account cannot create accounts or keys, grant roles on the project, or read secrets.
resource "google_service_account" "deploy" {
  account_id   = "${var.name}-deploy"
  display_name = "Builds and deploys Harvest"
  depends_on   = [google_project_service.api]
}

locals {
  deploy_roles = {
    "roles/browser"                           = "find the project's number"
    "roles/cloudbuild.builds.builder"         = "run builds and write their logs"
    "roles/cloudscheduler.admin"              = "the schedule that continues runs"
    "roles/logging.configWriter"              = "log-based metrics"
    "roles/monitoring.editor"                 = "alerts, dashboard, notification channels"
    "roles/ondemandscanning.admin"            = "scan images"
    "roles/pubsub.admin"                      = "topics, subscriptions and who may use them"
    "roles/run.admin"                         = "services and who may call them"
    "roles/serviceusage.serviceUsageConsumer" = "charge API calls to this project"
    "roles/storage.admin"                     = "buckets, who may use them, and Terraform's state"
  }
}

# The roles are granted on the project, because the resources do not exist yet.
resource "google_project_iam_member" "deploy" {
  for_each = local.deploy_roles

  project = var.project
  role    = each.key
  member  = google_service_account.deploy.member
}

# To set up a service or a push with an account, the pipeline must be allowed to act as that account.
resource "google_service_account_iam_member" "deploy" {
  for_each = merge(google_service_account.service, { push = google_service_account.push })

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

# The smoke test calls the API with this account, and makes an ID token of it.
resource "google_service_account_iam_member" "deploy_tokens" {
  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.deploy.member
}
