locals {
  # The same list as in shared/events, which `harvest serve` uses; a test compares both. Because of the filters,
  # embedded runs do not start a GPU, runs do not wait for another kind of scorer, and small runs do not wait for large
  # runs.
  shard = "attributes.task = \"shard\" AND "
  local = "${local.shard}attributes.scorer != \"gpu\" AND attributes.scorer != \"llm\" AND "
  llm   = "${local.shard}attributes.scorer = \"llm\" AND "
  gpu   = "${local.shard}attributes.scorer = \"gpu\" AND "
  small = "attributes.size = \"small\""
  large = "attributes.size != \"small\""

  subscriptions = {
    ingest-uploads    = { service = "ingest", topic = "uploads", filter = null }
    ingest-plans      = { service = "ingest", topic = "tasks", filter = "attributes.task = \"plan\"" }
    ingest-ranges     = { service = "ingest", topic = "tasks", filter = "attributes.task = \"range\"" }
    score             = { service = "score", topic = "tasks", filter = "${local.local}${local.large}" }
    score-small       = { service = "score", topic = "tasks", filter = "${local.local}${local.small}" }
    score-llm         = { service = "score", topic = "tasks", filter = "${local.llm}${local.large}" }
    score-llm-small   = { service = "score", topic = "tasks", filter = "${local.llm}${local.small}" }
    score-gpu         = { service = "score-gpu", topic = "tasks", filter = "${local.gpu}${local.large}" }
    score-gpu-small   = { service = "score-gpu", topic = "tasks", filter = "${local.gpu}${local.small}" }
    curate-parts      = { service = "curate", topic = "tasks", filter = "attributes.task = \"part\"" }
    curate-selections = { service = "curate", topic = "tasks", filter = "attributes.task = \"select\"" }
    curate-images     = { service = "curate", topic = "tasks", filter = "attributes.task = \"images\"" }
    curate-reconcile  = { service = "curate", topic = "tasks", filter = "attributes.task = \"reconcile\"" }
  }

  # curate also has an API, so its pushes have a separate path.
  push_paths = { curate = "/push" }
}

# There is no dead-letter policy. The functions acknowledge a message that can never succeed. They count the attempts of
# a task, and make the task a dead letter after the last attempt. Waiting for a scorer does not count as an attempt,
# even if Pub/Sub redelivers the message many times.
resource "google_pubsub_subscription" "push" {
  for_each = { for name, s in local.subscriptions : name => s if contains(keys(var.push_urls), s.service) }

  name   = "${var.name}-${each.key}"
  topic  = google_pubsub_topic.this[each.value.topic].id
  filter = each.value.filter
  labels = var.labels

  # This is the maximum deadline. It is also the time limit of a push; a service answers after at most 540 s.
  ack_deadline_seconds       = 600
  message_retention_duration = "2678400s" # 31 days, the longest

  push_config {
    push_endpoint = "${var.push_urls[each.value.service]}${lookup(local.push_paths, each.value.service, "/")}"

    # Cloud Run admits only callers with a permission. The service also checks the audience and the sender of the token.
    oidc_token {
      service_account_email = var.push_account
      audience              = "${var.name}-${each.value.service}"
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # Without this, Pub/Sub deletes a subscription that was idle for 31 days.
  expiration_policy {
    ttl = ""
  }
}
