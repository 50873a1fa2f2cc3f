# The account that Cloud Build works as. It can replace everything that Harvest runs on, data included, and deploy code
# that works as any service; so can anyone who may start a build or push to the branch that is built: protect both.
# It can make no accounts and no keys, grant no role on the project, and read no secret.
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
    "roles/serviceusage.serviceUsageConsumer" = "have calls counted against this project"
    "roles/storage.admin"                     = "buckets, who may use them, and Terraform's state"
  }
}

# On the project, because what it makes is not there yet.
resource "google_project_iam_member" "deploy" {
  for_each = local.deploy_roles

  project = var.project
  role    = each.key
  member  = google_service_account.deploy.member
}

# A service, or a push, as an account can be set up only by who may act as it.
resource "google_service_account_iam_member" "deploy" {
  for_each = merge(google_service_account.service, { push = google_service_account.push })

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

# The smoke test calls the API as this account, with a token that it makes for itself.
resource "google_service_account_iam_member" "deploy_tokens" {
  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.deploy.member
}
