locals {
  # All accounts that may call a service. Cloud Run refuses other callers before it starts an instance.
  callers = merge(
    {
      for f in keys(local.functions) :
      "push ${f}" => { function = f, member = "serviceAccount:${var.accounts.push}" }
    },
    { for m in var.api_users : "${m} curate" => { function = "curate", member = m } },
  )
}

# Each member has a separate resource, so that Terraform keeps grants that were made elsewhere.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = local.callers

  name     = google_cloud_run_v2_service.function[each.value.function].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value.member
}
