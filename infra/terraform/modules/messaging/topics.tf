locals {
  topics = {
    uploads = "What arrived in the input bucket"
    tasks   = "Work: ranges to cut, shards to rate, selections to make, parts of them to write"
    events  = "What others may subscribe to: run.scored, selection.completed"
  }
}

resource "google_pubsub_topic" "this" {
  for_each = local.topics

  name   = "${var.name}-${each.key}"
  labels = var.labels
  # A subscriber that was set up wrongly can seek back; what the other topics carry can be published again.
  message_retention_duration = each.key == "events" ? "604800s" : null
}

locals {
  publishers = {
    # A delivery publishes what follows it: ingest the next range and the first shards, score the next shard, curate the
    # next part. The one that finds a run scored asks for its selections and publishes the event.
    "ingest tasks"     = { topic = "tasks", member = var.members.ingest }
    "score tasks"      = { topic = "tasks", member = var.members.score }
    "score-gpu tasks"  = { topic = "tasks", member = var.members["score-gpu"] }
    "curate tasks"     = { topic = "tasks", member = var.members.curate }
    "ingest events"    = { topic = "events", member = var.members.ingest }
    "score events"     = { topic = "events", member = var.members.score }
    "score-gpu events" = { topic = "events", member = var.members["score-gpu"] }
    "curate events"    = { topic = "events", member = var.members.curate }
    # The schedule asks curate to reconcile.
    "schedule tasks" = { topic = "tasks", member = local.scheduler_agent }
  }
}

# On single topics: no service can publish an upload.
resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = each.value.member
}
