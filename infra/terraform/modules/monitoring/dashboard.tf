# The dashboard shows waiting work, completed work and cost on one page.
resource "google_monitoring_dashboard" "this" {
  dashboard_json = templatefile("${path.module}/dashboard.json", {
    name = var.name
    user = local.user
  })
}
