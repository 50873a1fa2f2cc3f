mock_provider "google" {}

variables {
  labels         = { app = "harvest", team = "vision" }
  region         = "europe-west4"
  name           = "harvest"
  project_number = "123"
  input_bucket   = "orchard-harvest-input"
  members        = { ingest = "serviceAccount:i", score = "serviceAccount:s", score-gpu = "serviceAccount:g", curate = "serviceAccount:c" }
  push_account   = "push@example.com"
  push_urls      = { ingest = "https://i", score = "https://s", curate = "https://c", score-gpu = "https://g" }
}

run "subscriptions" {
  module {
    source = "./modules/messaging"
  }
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.push :
      s.ack_deadline_seconds == 600 && s.retry_policy[0].minimum_backoff == "10s" && s.retry_policy[0].maximum_backoff == "600s" && s.expiration_policy[0].ttl == ""
    ])
    error_message = "every subscription must have a deadline of 600 s and a backoff of 10 to 600 s, and must never expire"
  }
  assert {
    condition     = alltrue(concat([for s in google_pubsub_subscription.push : s.labels == tomap(var.labels)], [for t in google_pubsub_topic.this : t.labels == tomap(var.labels)]))
    error_message = "topics and subscriptions must have the labels"
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.push : s.push_config[0].oidc_token[0].service_account_email == "push@example.com"])
    error_message = "every push must be signed"
  }
  assert {
    condition     = google_pubsub_subscription.push["score-gpu"].push_config[0].oidc_token[0].audience == "harvest-score-gpu"
    error_message = "the audience of a push must be its service"
  }
  assert {
    condition     = google_pubsub_subscription.push["curate-parts"].push_config[0].push_endpoint == "https://c/push" && google_pubsub_subscription.push["score"].push_config[0].push_endpoint == "https://s/"
    error_message = "pushes must go to the path of the function"
  }
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.push :
      length(s.dead_letter_policy) == 0 && s.message_retention_duration == "2678400s"
    ])
    error_message = "Pub/Sub must have no dead-letter policy, and keep messages for 31 days, the maximum"
  }
  assert {
    condition = alltrue([
      for pair in setproduct(["ingest", "score", "score-gpu", "curate"], ["tasks", "events"]) :
      google_pubsub_topic_iam_member.publisher["${pair[0]} ${pair[1]}"].topic == "harvest-${pair[1]}"
    ])
    error_message = "every service must be able to publish the following tasks"
  }
  assert {
    condition = [
      for m in google_pubsub_topic_iam_member.publisher : m.topic
      if m.member == "serviceAccount:service-123@gcp-sa-cloudscheduler.iam.gserviceaccount.com"
    ] == ["harvest-tasks"]
    error_message = "the schedule may publish only to the topic of tasks"
  }
  assert {
    condition     = google_cloud_scheduler_job.reconcile.schedule == "*/10 * * * *"
    error_message = "the schedule must run every ten minutes"
  }
  assert {
    condition     = google_cloud_scheduler_job.reconcile.pubsub_target[0].topic_name == google_pubsub_topic.this["tasks"].id
    error_message = "the schedule must publish to the topic of tasks"
  }
  assert {
    condition = [
      for target in google_cloud_scheduler_job.reconcile.pubsub_target :
      base64decode(target.data) == "{}" && target.attributes == tomap({ task = "reconcile" })
    ] == [true]
    error_message = "the schedule must publish the task reconcile"
  }
  assert {
    condition     = google_storage_notification.datasets.object_name_prefix == "datasets/"
    error_message = "uploads of images must not cause notifications"
  }
}

run "no_subscription_without_its_service" {
  module {
    source = "./modules/messaging"
  }
  variables {
    push_urls = { ingest = "https://i", score = "https://s", curate = "https://c" }
  }
  assert {
    condition     = !contains(keys(google_pubsub_subscription.push), "score-gpu") && length(google_pubsub_subscription.push) == 11
    error_message = "a service that is not deployed must have no subscription"
  }
}
