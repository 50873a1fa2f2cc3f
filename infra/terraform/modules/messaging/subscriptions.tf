locals {
  # The list in shared/events, which one machine has too; a test compares both. Because of the filters, embedded runs do
  # not start a GPU, runs do not wait for another kind of scorer, and small runs do not wait for large ones.
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

  # curate has an API besides, so its pushes have a path of their own.
  push_paths = { curate = "/push" }
}

# There is no dead-letter policy: a delivery that can never succeed is acknowledged, and the functions themselves count
# attempts at a task and give it up. Waiting for a scorer does not count as an attempt, even if Pub/Sub redelivers many
# times.
resource "google_pubsub_subscription" "push" {
  for_each = { for name, s in local.subscriptions : name => s if contains(keys(var.push_urls), s.service) }

  name   = "${var.name}-${each.key}"
  topic  = google_pubsub_topic.this[each.value.topic].id
  filter = each.value.filter
  labels = var.labels

  # The longest there is: it is also the time that a push may take, and a service answers after 540 s at the latest.
  ack_deadline_seconds       = 600
  message_retention_duration = "2678400s" # 31 days, the longest

  push_config {
    push_endpoint = "${var.push_urls[each.value.service]}${lookup(local.push_paths, each.value.service, "/")}"

    # Cloud Run admits only callers of the service; the service itself checks the token's audience and sender, too.
    oidc_token {
      service_account_email = var.push_account
      audience              = "${var.name}-${each.value.service}"
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # Without this a subscription that has had nothing to do for 31 days is gone.
  expiration_policy {
    ttl = ""
  }
}
