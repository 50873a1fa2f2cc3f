# To ask for the agent is also what makes it.
data "google_storage_project_service_account" "gcs" {
  depends_on = [google_project_service.api]
}

# Cloud Storage itself encrypts and decrypts; nobody who reads the buckets needs the key.
resource "google_kms_crypto_key_iam_member" "buckets" {
  count = var.kms_key == null ? 0 : 1

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.gcs.member
}
