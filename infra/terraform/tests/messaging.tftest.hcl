mock_provider "google" {}

variables {
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
    error_message = "every push may take 600 s, backs off 10..600 s, and never expires"
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.push : s.push_config[0].oidc_token[0].service_account_email == "push@example.com"])
    error_message = "every push is signed"
  }
  assert {
    condition     = google_pubsub_subscription.push["score-gpu"].push_config[0].oidc_token[0].audience == "harvest-score-gpu"
    error_message = "a push is for one service"
  }
  assert {
    condition     = google_pubsub_subscription.push["curate-parts"].push_config[0].push_endpoint == "https://c/push" && google_pubsub_subscription.push["score"].push_config[0].push_endpoint == "https://s/"
    error_message = "pushes go where the functions take them"
  }
  assert {
    condition     = [for key, s in google_pubsub_subscription.push : key if length(s.dead_letter_policy) == 0] == ["curate-dead"]
    error_message = "all but dead letters themselves have a dead-letter topic"
  }
  assert {
    condition     = keys(google_pubsub_subscription_iam_member.dead_letters) == [for key in keys(google_pubsub_subscription.push) : key if key != "curate-dead"]
    error_message = "Pub/Sub may move dead letters out of every subscription that has them"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.publisher["Pub/Sub dead"].member == "serviceAccount:service-123@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub may publish dead letters"
  }
  assert {
    condition     = google_storage_notification.datasets.object_name_prefix == "datasets/"
    error_message = "images wake nothing"
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
    condition     = !contains(keys(google_pubsub_subscription.push), "score-gpu") && length(google_pubsub_subscription.push) == 7
    error_message = "there is nowhere to push to"
  }
}
