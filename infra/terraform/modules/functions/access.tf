locals {
  # All that may call a service. Everyone else is refused by Cloud Run before an instance is woken.
  callers = merge(
    {
      for f in keys(local.functions) :
      "push ${f}" => { function = f, member = "serviceAccount:${var.accounts.push}" }
    },
    { for m in var.api_users : "${m} curate" => { function = "curate", member = m } },
  )
}

# Each member has its own resource, so that grants made elsewhere stay.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = local.callers

  name     = google_cloud_run_v2_service.function[each.value.function].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value.member
}
