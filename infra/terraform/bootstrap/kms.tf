# Reading this data source also creates the agent.
data "google_storage_project_service_account" "gcs" {
  depends_on = [google_project_service.api]
}

# Cloud Storage encrypts and decrypts the objects, so readers of the buckets do not need the key.
resource "google_kms_crypto_key_iam_member" "buckets" {
  count = var.kms_key == null ? 0 : 1

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.gcs.member
}
