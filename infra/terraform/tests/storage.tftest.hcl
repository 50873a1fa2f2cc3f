mock_provider "google" {}

variables {
  labels              = { app = "harvest", team = "vision" }
  project             = "orchard"
  location            = "europe-west4"
  name                = "harvest"
  kms_key             = null
  input_lifecycle     = { "images/" = { nearline_after_days = 30, delete_after_days = 365 } }
  work_lifecycle      = {}
  deletion_protection = true
  uploaders           = ["group:people@example.com"]
  readers             = ["serviceAccount:trainer@example.com"]
  members = {
    ingest = "serviceAccount:i", score = "serviceAccount:s", score-gpu = "serviceAccount:g", curate = "serviceAccount:c"
  }
}

run "buckets" {
  module {
    source = "./modules/storage"
  }
  assert {
    condition     = alltrue([for b in google_storage_bucket.this : b.uniform_bucket_level_access && b.public_access_prevention == "enforced" && !b.force_destroy])
    error_message = "no bucket may become public, or be deleted with its objects"
  }
  assert {
    condition     = alltrue([for b in google_storage_bucket.this : b.soft_delete_policy[0].retention_duration_seconds == 604800 && b.labels == tomap(var.labels)])
    error_message = "deleted objects must be restorable for a week"
  }
  assert {
    condition     = [for b in google_storage_bucket.this : b.name if b.versioning[0].enabled] == ["orchard-harvest-input"]
    error_message = "replaced manifests must be kept while runs read them"
  }
  assert {
    condition     = length(google_storage_bucket.this["input"].lifecycle_rule) == 4 && length(google_storage_bucket.this["work"].lifecycle_rule) == 2
    error_message = "each prefix must have its lifecycle rules"
  }
  assert {
    condition = [
      for r in google_storage_bucket.this["work"].lifecycle_rule : one(r.condition).age
      if one(r.action).type == "Delete" && try(one(r.condition).matches_prefix, []) == tolist(["tmp/"])
    ] == [7]
    error_message = "temporary objects of the work bucket must be deleted after 7 days"
  }
  assert {
    condition     = alltrue([for b in google_storage_bucket.this : length(b.encryption) == 0])
    error_message = "without a key, Google's own keys must be used"
  }
}

# No service may delete objects, so no service can replace them: objects are immutable.
run "services_neither_delete_nor_replace" {
  module {
    source = "./modules/storage"
  }
  assert {
    condition = alltrue([
      for m in google_storage_bucket_iam_member.this :
      contains(["roles/storage.objectViewer", "roles/storage.objectCreator"], m.role) if contains(values(var.members), m.member)
    ])
    error_message = "a service may only view and create objects"
  }
  assert {
    condition     = [for m in google_storage_bucket_iam_member.this : m.member if m.bucket == "orchard-harvest-weights"] == ["serviceAccount:g"]
    error_message = "only score-gpu may read weights"
  }
  assert {
    condition     = alltrue([for m in google_storage_bucket_iam_member.this : m.role != "roles/storage.objectCreator" || m.bucket == "orchard-harvest-work"])
    error_message = "no service may write to the input bucket"
  }
}

run "with_a_key" {
  module {
    source = "./modules/storage"
  }
  variables {
    kms_key = "projects/orchard/locations/europe-west4/keyRings/r/cryptoKeys/k"
  }
  assert {
    condition     = alltrue([for b in google_storage_bucket.this : b.encryption[0].default_kms_key_name == var.kms_key])
    error_message = "all buckets must be encrypted with the key"
  }
}
