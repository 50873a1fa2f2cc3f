resource "google_pubsub_tpic" "misspelt" { # a reason
  name = "a"
}

resource "google_pubsub_topic" "there" {
  labls = {}
  name  = ["a"]
}



resource "google_pubsub_subscription" "invalid" { # a reason
  name = "a"
  push_config {
    endpoint = "https://a"
  }
  push_config {
    push_endpoint = "https://a"
  }
  retry {
    minimum_backoff = "10s"
  }
  ack_deadline_seconds = [600]
  retry_policy         = {}
  dynamic "dead_letter_policy" {
    for_each = []
  }
}

data "google_project" "computed" { # a reason
  number = 7
}

resource "google_cloud_run_v2_service" "bare" { # a reason
  name     = "a"
  location = "b"
}
