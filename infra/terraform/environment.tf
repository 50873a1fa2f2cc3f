locals {
  labels = merge({ app = var.name }, var.labels)

  # Cloud Run's values for the variables ingress and vpc.
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
  # Concurrent requests of an instance of each service. ingest streams its input. score and score-gpu rate one shard
  # while the images of another arrive. curate answers other requests while it computes one selection.
  concurrency = { ingest = 4, score = 2, score_gpu = 2, curate = 8 }

  # Concurrent tasks of all instances of a service.
  capacity = { for service, requests in local.concurrency : service => requests * var.max_instances[service] }

  # Concurrent tasks of one run. The limit is the capacity of the smallest service that the run needs. More tasks would
  # be answered 429, and redelivered after a backoff of up to 600 s.
  in_flight = {
    IN_FLIGHT     = min(local.capacity.ingest, local.capacity.score, local.capacity.curate)
    IN_FLIGHT_GPU = min(local.capacity.ingest, local.capacity.score_gpu, local.capacity.curate)
  }
}

locals {
  # The environment variables of all functions (functions/config). Empty variables are left out, because a function does
  # not use the default of a variable that is set to an empty value. API_URL is the URL that Cloud Run gives to a
  # service. It is known before the service exists:
  # https://cloud.google.com/run/docs/triggering/https-request#deterministic
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
    # Cloud Run verifies every token, because api_users cannot contain allUsers.
    IAM_CALLERS = "true"
    },
    # The functions send OTLP directly to Google's endpoint, with the credentials of the service account.
    var.telemetry ? {
      OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
      OTEL_RESOURCE_ATTRIBUTES    = "gcp.project_id=${var.project},cloud.region=${var.region}"
    } : {},
    { for name, tasks in local.in_flight : name => tostring(tasks) },
    length(var.image_buckets) > 0 ? { IMAGE_BUCKETS = join(",", var.image_buckets) } : {},
    var.settings,
  )
}
