# Counted from the functions' log lines, so they need no exporter and miss nothing that was logged. The words of the
# lines are tested against the code (infra/terraform/monitoring_test.go).
locals {
  functions     = "^${var.name}-(ingest|score|score-gpu|curate)$"
  functions_log = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"${local.functions}\""
  shard_done    = "${local.functions_log} AND jsonPayload.message=\"shard done\""

  # Values that a line carries; the metric's sum is their total.
  values = {
    samples        = { field = "samples", unit = "1", description = "Samples of shards that were rated" }
    samples_failed = { field = "failed", unit = "1", description = "Those that failed, mostly for their images" }
    shard_seconds  = { field = "seconds", unit = "s", description = "Seconds that shards took" }
  }

  # What the GPU sidecar logs once a minute (sidecar/service/report.py): nothing scrapes a container on Cloud Run.
  sidecar_work = "${local.functions_log} AND jsonPayload.message=\"sidecar work\""
  sidecar_values = {
    gpu_samples         = { field = "samples", unit = "1", description = "Samples that the GPU sidecar answered" }
    gpu_busy_seconds    = { field = "busy_seconds", unit = "s", description = "Seconds in which it computed" }
    gpu_prefill_tokens  = { field = "prefill_tokens", unit = "1", description = "Positions of its passes" }
    gpu_padding_tokens  = { field = "padding_tokens", unit = "1", description = "Those of them that hold no token" }
    gpu_decode_tokens   = { field = "decode_tokens", unit = "1", description = "Tokens of texts, one a row and step" }
    gpu_decode_steps    = { field = "decode_steps", unit = "1", description = "Steps in which texts were decoded" }
    gpu_memory_splits   = { field = "memory_splits", unit = "1", description = "Passes halved because memory ran out" }
    gpu_load_seconds    = { field = "load_seconds", unit = "s", description = "Seconds in which weights were read" }
    gpu_compile_seconds = { field = "compile_seconds", unit = "s", description = "Seconds of compiling passes" }
    gpu_fallbacks       = { field = "fallbacks", unit = "1", description = "Models that take a plain path" }
  }

  # Lines that are counted.
  lines = {
    refused_messages = {
      message     = "message acknowledged: it can never succeed"
      description = "Messages that no attempt could have done"
    }
    delivered_again = {
      message     = "message will be delivered again"
      description = "Deliveries that failed for a passing reason"
    }
    tasks_given_up = { message = "task given up", description = "Dead letters, and scorers that must stop" }
    runs_started   = { message = "run started", description = "Runs that ingest started" }
    runs_waiting = {
      message     = "run waits for approval"
      description = "Runs that are estimated above MAX_RUN_COST"
    }
    datasets_refused = { message = "dataset refused", description = "Datasets that their authors have to fix" }
    # reconcile logs this every ten minutes for each unfinished run and selection.
    runs_old = {
      message     = "run is not finished"
      also        = " AND jsonPayload.hours>${var.run_hours}"
      description = "Runs and selections that were accepted longer ago than they should take"
    }
    # Those that are in time are a share of all; queries.tf has the objectives.
    runs_scored = { message = "run scored", description = "Runs that were scored to the last sample" }
    runs_in_time = {
      message     = "run scored"
      also        = local.run_in_time
      description = "Those of them that took no longer than their objective"
    }
    selections_completed = { message = "selection completed", description = "Selections whose last output is written" }
    selections_in_time = {
      message     = "selection completed"
      also        = " AND jsonPayload.seconds<=${var.objectives.selection_seconds}"
      description = "Those of them that took no longer than their objective"
    }
    selections = { message = "automatic selection", description = "Selections made without being asked for" }
  }
}

resource "google_logging_metric" "value" {
  for_each = merge(local.values, var.with_gpu ? local.sidecar_values : {})

  name            = "${var.name}/${each.key}"
  description     = each.value.description
  filter          = contains(keys(local.sidecar_values), each.key) ? local.sidecar_work : local.shard_done
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 12
      growth_factor      = 2
      scale              = 1
    }
  }
}

resource "google_logging_metric" "line" {
  for_each = local.lines

  name        = "${var.name}/${each.key}"
  description = each.value.description
  filter      = "${local.functions_log} AND jsonPayload.message=\"${each.value.message}\"${try(each.value.also, "")}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}
