# These metrics are counted from log lines of the functions. So they need no exporter, and they count every line. A test
# compares the messages with the code (infra/terraform/monitoring_test.go).
locals {
  functions     = "^${var.name}-(ingest|score|score-gpu|curate)$"
  functions_log = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"${local.functions}\""
  shard_done    = "${local.functions_log} AND jsonPayload.message=\"shard done\""

  # These metrics are numbers in log lines. The sum of a metric is the total of its numbers.
  values = {
    samples        = { field = "samples", unit = "1", description = "Samples of shards that were rated" }
    samples_failed = { field = "failed", unit = "1", description = "Failed samples, mostly because of images" }
    shard_seconds  = { field = "seconds", unit = "s", description = "Seconds of rating shards" }
  }

  # Numbers that the GPU sidecar logs once a minute (sidecar/service/report.py), because nothing scrapes a container on
  # Cloud Run.
  sidecar_work = "${local.functions_log} AND jsonPayload.message=\"sidecar work\""
  sidecar_values = {
    gpu_samples         = { field = "samples", unit = "1", description = "Samples that the GPU sidecar answered" }
    gpu_busy_seconds    = { field = "busy_seconds", unit = "s", description = "Seconds in which the sidecar computed" }
    gpu_prefill_tokens  = { field = "prefill_tokens", unit = "1", description = "Prefill positions, padding included" }
    gpu_padding_tokens  = { field = "padding_tokens", unit = "1", description = "Padding positions of prefill passes" }
    gpu_decode_tokens   = { field = "decode_tokens", unit = "1", description = "Decoded tokens, one per row and step" }
    gpu_decode_steps    = { field = "decode_steps", unit = "1", description = "Decoding steps of a batch of rows" }
    gpu_memory_splits   = { field = "memory_splits", unit = "1", description = "Passes halved because memory ran out" }
    gpu_load_seconds    = { field = "load_seconds", unit = "s", description = "Seconds of reading weights" }
    gpu_compile_seconds = { field = "compile_seconds", unit = "s", description = "Seconds of compiling passes" }
    gpu_fallbacks       = { field = "fallbacks", unit = "1", description = "Fast paths that failed their check" }
  }

  # Log lines that are counted.
  lines = {
    refused_messages = {
      message     = "message acknowledged: it can never succeed"
      description = "Messages acknowledged because they can never succeed"
    }
    delivered_again = {
      message     = "message will be delivered again"
      description = "Deliveries that failed with a transient error"
    }
    tasks_given_up = {
      message     = "task given up"
      description = "Tasks that became dead letters, and scorers that stopped until a person acts"
    }
    runs_started = { message = "run started", description = "Runs that ingest started" }
    runs_waiting = {
      message     = "run waits for approval"
      description = "Runs whose estimated cost is above MAX_RUN_COST"
    }
    datasets_refused = { message = "dataset refused", description = "Datasets that their authors must fix" }
    # reconcile logs this line every ten minutes for each unfinished run and selection.
    runs_old = {
      message     = "run is not finished"
      also        = " AND jsonPayload.hours>${var.run_hours}"
      description = "Unfinished runs and selections that were accepted more than run_hours ago"
    }
    # The objectives in queries.tf divide the metrics *_in_time by these totals.
    runs_scored = { message = "run scored", description = "Runs that were scored completely" }
    runs_in_time = {
      message     = "run scored"
      also        = local.run_in_time
      description = "Runs that were scored within the time of the objective"
    }
    selections_completed = { message = "selection completed", description = "Selections whose last output is written" }
    selections_in_time = {
      message     = "selection completed"
      also        = " AND jsonPayload.seconds<=${var.objectives.selection_seconds}"
      description = "Selections that were completed within the time of the objective"
    }
    selections = { message = "automatic selection", description = "Selections that a dataset requested" }
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
