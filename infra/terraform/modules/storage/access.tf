locals {
  # infra/README.md has a table of these roles. No service may delete objects. Without the right to delete, Cloud
  # Storage does not allow an account to replace objects either. So IAM, not only the code, ensures that a run's objects
  # never change.
  access = merge(
    # ingest plans and cuts manifests. curate plans manifests (POST /v1/runs), and copies subsets from manifests that
    # hold images. The services that rate samples read images.
    {
      for s in local.services :
      "${s} reads input" => { bucket = "input", role = local.view, member = var.members[s] }
    },
    {
      for s in local.services :
      "${s} reads work" => { bucket = "work", role = local.view, member = var.members[s] }
    },
    {
      for s in local.services :
      "${s} creates in work" => { bucket = "work", role = "roles/storage.objectCreator", member = var.members[s] }
    },
    { "score-gpu reads weights" = { bucket = "weights", role = local.view, member = var.members["score-gpu"] } },
    # People and other programs. Uploaders may replace and delete objects.
    {
      for m in var.uploaders :
      "${m} writes input" => { bucket = "input", role = "roles/storage.objectUser", member = m }
    },
    { for m in var.readers : "${m} reads work" => { bucket = "work", role = local.view, member = m } },
  )
  services = ["ingest", "score", "score-gpu", "curate"]
  view     = "roles/storage.objectViewer"
}

# Each member has a separate resource, so that Terraform keeps grants that were made elsewhere, for example to a
# training pipeline.
resource "google_storage_bucket_iam_member" "this" {
  for_each = local.access

  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = each.value.role
  member = each.value.member
}
