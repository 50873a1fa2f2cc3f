mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/orchard/serviceAccounts/someone@orchard.iam.gserviceaccount.com"
      member = "serviceAccount:someone@orchard.iam.gserviceaccount.com"
    }
  }
}

variables {
  project = "orchard"
}

run "one_apply_is_enough" {
  command = plan
}

run "accounts" {
  assert {
    condition     = length(google_service_account.service) == 4 && google_service_account.service["score-gpu"].account_id == "harvest-score-gpu"
    error_message = "there must be one account for each service"
  }
  assert {
    condition     = alltrue([for role in keys(local.deploy_roles) : !can(regex("owner|editor$|IamAdmin|serviceAccountAdmin|serviceAccountKeyAdmin|secretmanager", role)) || role == "roles/monitoring.editor"])
    error_message = "the pipeline must not grant roles on the project or read secrets"
  }
  assert {
    condition     = output.images == "europe-west4-docker.pkg.dev/orchard/harvest"
    error_message = "images must be in the registry of the project"
  }
  assert {
    condition     = length(google_billing_budget.month) == 0 && length(google_kms_crypto_key_iam_member.buckets) == 0
    error_message = "there must be no budget and no key by default"
  }
}

run "with_budget_and_key" {
  variables {
    billing_account = "000000-000000-000000"
    kms_key         = "projects/orchard/locations/europe-west4/keyRings/r/cryptoKeys/k"
  }
  assert {
    condition     = length(google_billing_budget.month[0].threshold_rules) == 4
    error_message = "mail must be sent at 50, 90 and 100 %, and when 100 % is forecast"
  }
  assert {
    condition     = google_kms_crypto_key_iam_member.buckets[0].role == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    error_message = "Cloud Storage must be able to use the key"
  }
}

run "in_a_hardened_organisation" {
  variables {
    audit_logs     = ["storage.googleapis.com"]
    secret_regions = ["europe-west4", "europe-west1"]
  }
  assert {
    condition     = toset([for c in google_project_iam_audit_config.data["storage.googleapis.com"].audit_log_config : c.log_type]) == toset(["DATA_READ", "DATA_WRITE"])
    error_message = "reads and writes of data must be logged"
  }
  assert {
    condition     = length(google_secret_manager_secret.llm_api_key.replication[0].auto) == 0 && length(google_secret_manager_secret.llm_api_key.replication[0].user_managed[0].replicas) == 2
    error_message = "the secret must be only in the given regions"
  }
}

run "refuses_long_names" {
  command = plan
  variables {
    name = "a-name-of-more-than-nineteen"
  }
  expect_failures = [var.name]
}
