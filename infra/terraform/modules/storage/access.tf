locals {
  # infra/README.md has this as a table. No service may delete, and without the right to delete Cloud Storage lets no
  # account replace an object either: that a run's objects never change is not only how the code behaves.
  access = merge(
    # Manifests are planned and cut by ingest, planned by curate (POST /v1/runs); images are read where samples are
    # rated, and subsets are copied from manifests that hold images by curate.
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
    # People and programs outside. Uploaders replace and delete what is theirs.
    {
      for m in var.uploaders :
      "${m} writes input" => { bucket = "input", role = "roles/storage.objectUser", member = m }
    },
    { for m in var.readers : "${m} reads work" => { bucket = "work", role = local.view, member = m } },
  )
  services = ["ingest", "score", "score-gpu", "curate"]
  view     = "roles/storage.objectViewer"
}

# Each member has its own resource, so that grants made elsewhere, such as to a training pipeline, stay.
resource "google_storage_bucket_iam_member" "this" {
  for_each = local.access

  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = each.value.role
  member = each.value.member
}
