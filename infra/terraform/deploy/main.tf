# The pipeline deploys this configuration: the module with a provider, and with its state in a bucket. It has the
# variables of the module (variables.tf is a symbolic link).
module "harvest" {
  source = "../"

  project             = var.project
  region              = var.region
  gpu_region          = var.gpu_region
  bucket_location     = var.bucket_location
  labels              = var.labels
  ingress             = var.ingress
  vpc                 = var.vpc
  name                = var.name
  functions_image     = var.functions_image
  sidecar_image       = var.sidecar_image
  gpu                 = var.gpu
  scorer              = var.scorer
  cost_per_million    = var.cost_per_million
  max_run_cost        = var.max_run_cost
  max_failed          = var.max_failed
  max_instances       = var.max_instances
  memory              = var.memory
  settings            = var.settings
  telemetry           = var.telemetry
  sidecar_settings    = var.sidecar_settings
  image_buckets       = var.image_buckets
  llm                 = var.llm
  api_users           = var.api_users
  uploaders           = var.uploaders
  readers             = var.readers
  alert_emails        = var.alert_emails
  gpu_hours_a_day     = var.gpu_hours_a_day
  objectives          = var.objectives
  run_hours           = var.run_hours
  kms_key             = var.kms_key
  input_lifecycle     = var.input_lifecycle
  work_lifecycle      = var.work_lifecycle
  deletion_protection = var.deletion_protection
}
