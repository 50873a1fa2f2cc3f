# The key for the endpoint of the scorer llm. Add its value by hand, so that no configuration, state or log contains the
# value:
#   printf %s "$KEY" | gcloud secrets versions add harvest-llm-api-key --data-file=-
resource "google_secret_manager_secret" "llm_api_key" {
  secret_id = "${var.name}-llm-api-key"

  replication {
    dynamic "auto" {
      for_each = length(var.secret_regions) == 0 ? ["anywhere"] : []
      content {}
    }
    dynamic "user_managed" {
      for_each = length(var.secret_regions) == 0 ? [] : ["here"]
      content {
        dynamic "replicas" {
          for_each = var.secret_regions
          content {
            location = replicas.value
          }
        }
      }
    }
  }

  depends_on = [google_project_service.api]
}

# Only the service that calls the endpoint may read the key.
resource "google_secret_manager_secret_iam_member" "score" {
  secret_id = google_secret_manager_secret.llm_api_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.service["score"].member
}
