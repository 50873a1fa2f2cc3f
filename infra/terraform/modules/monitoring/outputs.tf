locals {
  dashboards = "https://console.cloud.google.com/monitoring/dashboards/builder"
  dashboard  = element(split("/", google_monitoring_dashboard.this.id), 3)
}

output "dashboard_url" {
  description = "The dashboard in the Cloud console."
  value       = "${local.dashboards}/${local.dashboard}?project=${var.project}"
}

output "alerts" {
  description = "Names of the alerts, which are those of the playbooks."
  value       = keys(google_monitoring_alert_policy.this)
}
