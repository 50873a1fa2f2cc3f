locals {
  # PromQL over Cloud Monitoring's metrics: https://cloud.google.com/monitoring/promql/promql-mapping
  user      = "logging_googleapis_com:user_${replace(var.name, "-", "_")}"
  waiting   = "pubsub_googleapis_com:subscription_num_undelivered_messages"
  age       = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
  delivered = "pubsub_googleapis_com:subscription_push_request_count"
  billed    = "run_googleapis_com:container_billable_instance_time"

  # The subscriptions that should never wait: starting a GPU takes time.
  always = "${var.name}-((ingest|curate)-.*|score(-llm)?(-small)?)"

  # Each alert has a page of its name in infra/playbooks, which also has the query; a test compares them.
  # These are set off by one log line, which a metric counts.
  line_alerts = {
    for name, alert in {
      dead-letters      = { title = "Work was given up", severity = "ERROR", metric = "tasks_given_up" }
      refused-messages  = { title = "A message is refused", severity = "WARNING", metric = "refused_messages" }
      refused-datasets  = { title = "A dataset was refused", severity = "WARNING", metric = "datasets_refused" }
      awaiting-approval = { title = "A run waits for approval", severity = "WARNING", metric = "runs_waiting" }
      } : name => {
      title    = alert.title
      severity = alert.severity
      for      = "0s"
      query    = <<-EOT
        sum(increase(${local.user}_${alert.metric}[10m])) > 0
      EOT
    }
  }

  alerts = {
    no-progress = {
      title    = "Work waits and nothing is done"
      severity = "ERROR"
      for      = "1800s"
      query    = <<-EOT
        sum by (subscription_id) (${local.waiting}{subscription_id=~"${local.always}"}) > 0
        unless on (subscription_id)
        sum by (subscription_id) (increase(${local.delivered}{response_class="ack"}[30m])) > 0
      EOT
    }
    failure-ratio = {
      title    = "More than ${var.failure_percent} % of samples fail"
      severity = "WARNING"
      for      = "0s"
      query    = <<-EOT
        100 * sum(increase(${local.user}_samples_failed_sum[1h])) / sum(increase(${local.user}_samples_sum[1h]))
        > ${var.failure_percent}
        and
        sum(increase(${local.user}_samples_sum[1h])) >= 200
      EOT
    }
    # Three periods of the schedule, so that one late line does not end the alert.
    old-run = {
      title    = "A run is not finished after ${var.run_hours} hours"
      severity = "WARNING"
      for      = "0s"
      query    = <<-EOT
        sum(increase(${local.user}_runs_old[30m])) > 0
      EOT
    }
    oldest-message = {
      title    = "A message has waited for more than ${var.message_hours} hours"
      severity = "WARNING"
      for      = "600s"
      query    = <<-EOT
        max by (subscription_id) (${local.age}{subscription_id=~"${var.name}-.*"}) / 3600 > ${var.message_hours}
      EOT
    }
  }

  # Beyond ten minutes, which any run may take, by kind of scorer.
  run_in_time = join("", [
    " AND (jsonPayload.scorer=\"gpu\" AND jsonPayload.per_million<=${var.objectives.gpu_seconds_per_million} OR ",
    "jsonPayload.scorer!=\"gpu\" AND jsonPayload.per_million<=${var.objectives.seconds_per_million})",
  ])

  # An objective's budget is the share that may be late. The alert goes off when it is used up ten times as fast as it
  # lasts over six hours, or three times over three days.
  budget = 100 - var.objectives.percent
  objective_alerts = {
    for name, o in {
      run-objective       = { title = "Too many runs take too long", metric = "runs", all = "scored" }
      selection-objective = { title = "Too many selections take too long", metric = "selections", all = "completed" }
      } : name => {
      title    = o.title
      severity = "WARNING"
      for      = "0s"
      query = join("\nor\n", [
        for window, burn in { "3d" = 3, "6h" = 10 } : join(" ", [
          "100 * (1 - (sum(increase(${local.user}_${o.metric}_in_time[${window}])) or vector(0))",
          "/ sum(increase(${local.user}_${o.metric}_${o.all}[${window}]))) > ${burn * local.budget}",
        ])
      ])
    }
  }

  gpu_alerts = {
    gpu-idle = {
      title    = "Work waits for a GPU that does none"
      severity = "ERROR"
      for      = "1200s"
      query    = <<-EOT
        sum(${local.waiting}{subscription_id=~"${var.name}-score-gpu.*"}) > 0
        unless on ()
        sum(increase(${local.delivered}{subscription_id=~"${var.name}-score-gpu.*", response_class="ack"}[20m])) > 0
      EOT
    }
    cost = {
      title    = "More than ${var.gpu_hours_a_day} GPU hours within 24 hours"
      severity = "WARNING"
      for      = "0s"
      query    = <<-EOT
        sum(increase(${local.billed}{service_name="${var.name}-score-gpu"}[24h])) / 3600 > ${var.gpu_hours_a_day}
      EOT
    }
  }
}
