locals {
  temporary = { "tmp/" = { nearline_after_days = null, delete_after_days = 7 } }
  buckets = {
    # A run reads exactly the generations of manifests in its plan. So a second upload of a manifest must not delete the
    # first generation while a run reads it.
    input = { versioning = true, lifecycle = var.input_lifecycle }
    # Objects of this bucket are never replaced. Objects below tmp/ are needed until a selection is completed. If they
    # are deleted earlier, they are made again.
    work = { versioning = false, lifecycle = merge(var.work_lifecycle, local.temporary) }
    # The bucket for models of the GPU sidecar. It is created even without a GPU service, because that service starts
    # only if the bucket has weights.
    weights = { versioning = false, lifecycle = {} }
  }
}

resource "google_storage_bucket" "this" {
  for_each = local.buckets

  name          = "${var.project}-${var.name}-${each.key}"
  location      = var.location
  labels        = var.labels
  force_destroy = !var.deletion_protection

  # Objects have no access lists, and nobody can make an object public.
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = each.value.versioning
  }

  # Objects that were deleted by mistake can be restored for 7 days. Until then they cost money.
  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  dynamic "lifecycle_rule" {
    for_each = {
      for prefix, rule in each.value.lifecycle : prefix => rule.nearline_after_days if rule.nearline_after_days != null
    }
    content {
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }
      condition {
        age                   = lifecycle_rule.value
        matches_prefix        = [lifecycle_rule.key]
        matches_storage_class = ["STANDARD"]
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = {
      for prefix, rule in each.value.lifecycle : prefix => rule.delete_after_days if rule.delete_after_days != null
    }
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = [lifecycle_rule.key]
      }
    }
  }

  # A replaced manifest is needed until its run is scored and the selections of the run are written.
  dynamic "lifecycle_rule" {
    for_each = each.value.versioning ? [30] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  # Parts of aborted uploads are not visible, but cost money.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }
}
