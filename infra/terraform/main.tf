locals {
  # The accounts of the services and of pushes. bootstrap creates them.
  accounts = { for service, account in data.google_service_account.service : service => account.email }
  members  = { for service, email in local.accounts : service => "serviceAccount:${email}" }
  # The pipeline's account. Its smoke test uploads a dataset and reads the result from the API.
  deploy = "serviceAccount:${var.name}-deploy@${var.project}.iam.gserviceaccount.com"

  with_gpu = var.sidecar_image != ""
}

# The project's number is part of the name of Cloud Scheduler's agent.
data "google_project" "this" {}

# These data sources read the accounts, so that a plan fails if bootstrap was not applied, or was applied with another
# name.
data "google_service_account" "service" {
  for_each = toset(["ingest", "score", "score-gpu", "curate", "push"])

  account_id = "${var.name}-${each.key}"
}

module "storage" {
  source = "./modules/storage"

  project             = var.project
  location            = coalesce(var.bucket_location, var.region)
  labels              = local.labels
  name                = var.name
  kms_key             = var.kms_key
  input_lifecycle     = var.input_lifecycle
  work_lifecycle      = var.work_lifecycle
  deletion_protection = var.deletion_protection
  members             = local.members
  uploaders           = concat(var.uploaders, [local.deploy])
  readers             = var.readers
}

module "messaging" {
  source = "./modules/messaging"

  region         = var.region
  labels         = local.labels
  name           = var.name
  project_number = data.google_project.this.number
  input_bucket   = module.storage.input_bucket
  members        = local.members
  push_account   = local.accounts.push
  push_urls      = merge(module.functions.urls, local.with_gpu ? { score-gpu = module.gpu[0].url } : {})
}

module "functions" {
  source = "./modules/functions"

  region              = var.region
  labels              = local.labels
  ingress             = local.ingress
  vpc                 = local.vpc
  name                = var.name
  image               = var.functions_image
  accounts            = local.accounts
  environment         = local.environment
  gpu_url             = local.with_gpu ? module.gpu[0].url : null
  llm_secret          = var.llm ? "${var.name}-llm-api-key" : null
  max_instances       = var.max_instances
  concurrency         = local.concurrency
  memory              = var.memory
  api_users           = concat(var.api_users, [local.deploy])
  deletion_protection = var.deletion_protection
}

module "gpu" {
  source = "./modules/gpu"
  count  = local.with_gpu ? 1 : 0

  region              = coalesce(var.gpu_region, var.region)
  labels              = local.labels
  vpc                 = local.vpc
  name                = var.name
  functions_image     = var.functions_image
  sidecar_image       = var.sidecar_image
  gpu                 = var.gpu
  accounts            = local.accounts
  environment         = local.environment
  sidecar_environment = var.sidecar_settings
  weights_bucket      = module.storage.weights_bucket
  max_instances       = var.max_instances.score_gpu
  concurrency         = local.concurrency.score_gpu
  memory              = var.memory.score_gpu
  deletion_protection = var.deletion_protection
}

module "monitoring" {
  source = "./modules/monitoring"

  project         = var.project
  labels          = local.labels
  name            = var.name
  with_gpu        = local.with_gpu
  emails          = var.alert_emails
  gpu_hours_a_day = var.gpu_hours_a_day
  run_hours       = var.run_hours
  objectives      = var.objectives
}
