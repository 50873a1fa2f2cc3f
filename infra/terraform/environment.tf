locals {
  labels = merge({ app = var.name }, var.labels)

  # Cloud Run's words for them.
  ingress = "INGRESS_TRAFFIC_${ {
    all = "ALL", internal = "INTERNAL_ONLY", internal-and-cloud-load-balancing = "INTERNAL_LOAD_BALANCER"
  }[var.ingress]}"
  vpc = [
    for vpc in var.vpc[*] : {
      network = vpc.network, subnetwork = vpc.subnetwork, egress = upper(replace(vpc.egress, "-", "_"))
    }
  ]
}

locals {
  # Requests that an instance of each service takes at a time. ingest streams what it reads. score and score-gpu rate
  # one shard while the other one's images arrive. curate computes one selection, and answers meanwhile.
  concurrency = { ingest = 4, score = 2, score_gpu = 2, curate = 8 }

  # Tasks that all instances of a service take at a time.
  capacity = { for service, requests in local.concurrency : service => requests * var.max_instances[service] }

  # What one run may have in flight: what the narrowest of the services that it goes through takes. Anything above would
  # be answered 429, and be delivered again after a backoff of up to 600 s.
  in_flight = {
    IN_FLIGHT     = min(local.capacity.ingest, local.capacity.score, local.capacity.curate)
    IN_FLIGHT_GPU = min(local.capacity.ingest, local.capacity.score_gpu, local.capacity.curate)
  }
}

locals {
  # What all functions take from their environment (functions/config). Variables that would be empty are left out:
  # there, one that is set to nothing counts as set. API_URL is the address that Cloud Run gives a service, known before
  # the service exists: https://cloud.google.com/run/docs/triggering/https-request#deterministic
  environment = merge({
    GOOGLE_CLOUD_PROJECT = var.project
    INPUT_BUCKET         = "gs://${module.storage.input_bucket}"
    WORK_BUCKET          = "gs://${module.storage.work_bucket}"
    TASKS_TOPIC          = module.messaging.topics.tasks
    EVENTS_TOPIC         = module.messaging.topics.events
    DEPLOYMENT           = var.name
    API_URL              = "https://${var.name}-curate-${data.google_project.this.number}.${var.region}.run.app"
    SCORER               = var.scorer
    COST_PER_MILLION     = join(",", [for kind, dollars in var.cost_per_million : "${kind}=${dollars}"])
    MAX_RUN_COST         = tostring(var.max_run_cost)
    MAX_FAILED           = var.max_failed
    PUSH_SENDER          = local.accounts.push
    # api_users cannot name everyone, so that Cloud Run has verified every token.
    IAM_CALLERS = "true"
    },
    # By OTLP, straight to Google's endpoint, which takes the service account's own credentials.
    var.telemetry ? {
      OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
      OTEL_RESOURCE_ATTRIBUTES    = "gcp.project_id=${var.project},cloud.region=${var.region}"
    } : {},
    { for name, tasks in local.in_flight : name => tostring(tasks) },
    length(var.image_buckets) > 0 ? { IMAGE_BUCKETS = join(",", var.image_buckets) } : {},
    var.settings,
  )
}
