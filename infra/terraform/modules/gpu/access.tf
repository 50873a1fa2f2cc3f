# Pub/Sub delivers shards; ingest and curate ask for the models. A delivery they cannot fake: score takes one only with
# the token of the account of pushes.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = toset(["push", "ingest", "curate"])

  name     = google_cloud_run_v2_service.score_gpu.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.accounts[each.key]}"
}
