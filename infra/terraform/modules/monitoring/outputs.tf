locals {
  dashboards = "https://console.cloud.google.com/monitoring/dashboards/builder"
  dashboard  = element(split("/", google_monitoring_dashboard.this.id), 3)
}

output "dashboard_url" {
  description = "URL of the dashboard in the Cloud console."
  value       = "${local.dashboards}/${local.dashboard}?project=${var.project}"
}

output "alerts" {
  description = "Names of the alerts. Each playbook has the name of its alert."
  value       = keys(google_monitoring_alert_policy.this)
}
