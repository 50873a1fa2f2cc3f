locals {
  # Names of Cloud Monitoring's metrics in PromQL: https://cloud.google.com/monitoring/promql/promql-mapping
  user      = "logging_googleapis_com:user_${replace(var.name, "-", "_")}"
  waiting   = "pubsub_googleapis_com:subscription_num_undelivered_messages"
  age       = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
  delivered = "pubsub_googleapis_com:subscription_push_request_count"
  billed    = "run_googleapis_com:container_billable_instance_time"

  # The subscriptions whose messages should never wait. The subscriptions of score-gpu are left out, because starting a
  # GPU takes time.
  always = "${var.name}-((ingest|curate)-.*|score(-llm)?(-small)?)"

  # infra/playbooks has a page with the name and the query of each alert; a test compares them. A single log line
  # triggers an alert of this list. A metric counts these lines.
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
    # 30 minutes are three periods of the schedule, so that a single late line does not end the alert.
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

  # The filter of runs that met their objective. per_million does not include the ten minutes that any run may take.
  run_in_time = join("", [
    " AND (jsonPayload.scorer=\"gpu\" AND jsonPayload.per_million<=${var.objectives.gpu_seconds_per_million} OR ",
    "jsonPayload.scorer!=\"gpu\" AND jsonPayload.per_million<=${var.objectives.seconds_per_million})",
  ])

  # The budget of an objective is the percentage of runs or selections that may be late. The alert fires if the
  # percentage that was late is above ten times the budget within six hours, or above three times the budget within
  # three days.
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
      title    = "Shards wait for the GPU, and none is completed"
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
