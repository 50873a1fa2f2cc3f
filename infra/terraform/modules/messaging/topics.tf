locals {
  topics = {
    uploads = "Notifications of new objects in the input bucket"
    tasks   = "Tasks: ranges to cut, shards to rate, selections to make, and parts of selections to write"
    events  = "Events for other systems, such as run.scored and selection.completed"
  }
}

resource "google_pubsub_topic" "this" {
  for_each = local.topics

  name   = "${var.name}-${each.key}"
  labels = var.labels
  # After a mistake, a subscriber of events can seek back. Messages of the other topics can be published again.
  message_retention_duration = each.key == "events" ? "604800s" : null
}

locals {
  publishers = {
    # Each service publishes the tasks that follow: ingest the next range and the first shards, score the next shard,
    # curate the next part. The service that completes a run publishes the tasks of its selections, and an event.
    "ingest tasks"     = { topic = "tasks", member = var.members.ingest }
    "score tasks"      = { topic = "tasks", member = var.members.score }
    "score-gpu tasks"  = { topic = "tasks", member = var.members["score-gpu"] }
    "curate tasks"     = { topic = "tasks", member = var.members.curate }
    "ingest events"    = { topic = "events", member = var.members.ingest }
    "score events"     = { topic = "events", member = var.members.score }
    "score-gpu events" = { topic = "events", member = var.members["score-gpu"] }
    "curate events"    = { topic = "events", member = var.members.curate }
    # The schedule publishes the task reconcile. curate processes this task.
    "schedule tasks" = { topic = "tasks", member = local.scheduler_agent }
  }
}

# The role is granted for each topic, so that no service can publish to the topic uploads.
resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = each.value.member
}
