# Pub/Sub delivers shards to this service, and ingest and curate ask it which models it serves. They cannot send false
# deliveries: score accepts a delivery only with a token of the account `push`.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = toset(["push", "ingest", "curate"])

  name     = google_cloud_run_v2_service.score_gpu.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.accounts[each.key]}"
}
