locals {
  topics = {
    uploads = "What arrived in the input bucket"
    tasks   = "Work: ranges to cut, shards to rate, parts of selections to write"
    events  = "What others may subscribe to: run.scored, selection.completed"
    dead    = "Dead letters: what was delivered a hundred times without success"
  }
}

resource "google_pubsub_topic" "this" {
  for_each = local.topics

  name = "${var.name}-${each.key}"
  # A subscriber that was set up wrongly can seek back; what the other topics carry can be published again.
  message_retention_duration = each.key == "events" ? "604800s" : null
}

locals {
  publishers = {
    # Ranges and shards come of ingest; parts and what is resumed of curate.
    "ingest tasks" = { topic = "tasks", member = var.members.ingest }
    "curate tasks" = { topic = "tasks", member = var.members.curate }
    # Whichever delivery finds a run scored says so; curate says that a selection is written.
    "ingest events"    = { topic = "events", member = var.members.ingest }
    "score events"     = { topic = "events", member = var.members.score }
    "score-gpu events" = { topic = "events", member = var.members["score-gpu"] }
    "curate events"    = { topic = "events", member = var.members.curate }
    # Pub/Sub itself moves dead letters.
    "Pub/Sub dead" = { topic = "dead", member = local.pubsub_agent }
  }
}

# On single topics: score can end a run, and cannot give work to others.
resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = each.value.member
}
