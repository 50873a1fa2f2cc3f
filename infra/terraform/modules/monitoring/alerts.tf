# Alerts are sent by mail, because mail needs no account with another service.
resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = var.labels
}

resource "google_monitoring_alert_policy" "this" {
  for_each = merge(local.line_alerts, local.alerts, local.objective_alerts, var.with_gpu ? local.gpu_alerts : {})

  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
  user_labels           = merge(var.labels, { harvest = each.key })

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.for
      evaluation_interval = "60s"
      # A metric that counts log lines exists only after the first such line. Without this setting, the policy could not
      # be created before the line was logged.
      disable_metric_validation = true
    }
  }

  # The mail contains the playbook, so that nobody has to search for it.
  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: ${each.value.title}"
    content   = file("${path.module}/../../../playbooks/${each.key}.md")
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.line, google_logging_metric.value]
}
