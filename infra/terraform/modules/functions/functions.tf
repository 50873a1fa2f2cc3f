locals {
  # The plan of a run needs the id of its scorer. The service score-gpu answers for the scorer gpu.
  sidecar = var.gpu_url == null ? {} : { GPU_SIDECAR = var.gpu_url, GPU_SIDECAR_AUDIENCE = "${var.name}-score-gpu" }

  functions = {
    # ingest streams its input, so it needs little memory for a manifest of any size.
    ingest = {
      cpu         = 1
      ingress     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      environment = local.sidecar
      secrets     = {}
    }
    # Two cores for two shards: while one shard is rated, the images of the other shard are read.
    score = {
      cpu         = 2
      ingress     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      environment = {}
      secrets     = var.llm_secret == null ? {} : { LLM_API_KEY = var.llm_secret }
    }
    # People and pipelines call curate from anywhere, if IAM allows it.
    curate = {
      cpu         = 2
      ingress     = var.ingress
      environment = local.sidecar
      secrets     = {}
    }
  }

  # Cloud Run requires more CPU for more memory:
  # https://cloud.google.com/run/docs/configuring/services/memory-limits
  least_cpu = { for f, gib in var.memory : f => gib > 24 ? 8 : gib > 16 ? 6 : gib > 8 ? 4 : gib > 4 ? 2 : 1 }
  cpu       = { for f, function in local.functions : f => max(function.cpu, local.least_cpu[f]) }
}
