# These logs record reads and writes of data by account, in addition to the logs of the services. Google always logs
# administrative changes.
resource "google_project_iam_audit_config" "data" {
  for_each = toset(var.audit_logs)

  project = var.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = ["DATA_READ", "DATA_WRITE"]
    content {
      log_type = audit_log_config.value
    }
  }
}
