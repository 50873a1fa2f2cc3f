# What waits, what is done, what it costs: one page to look at before any query.
resource "google_monitoring_dashboard" "this" {
  dashboard_json = templatefile("${path.module}/dashboard.json", {
    name = var.name
    user = local.user
  })
}
