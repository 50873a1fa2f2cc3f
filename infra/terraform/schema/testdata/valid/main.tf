variable "names" {
  description = "Names of topics."
  type        = set(string)
}

locals {
  backoffs = ["10s"]
}

resource "google_pubsub_topic" "this" { # a reason
  for_each = var.names

  name   = each.key
  labels = { part = module.part.given }
}

resource "google_pubsub_subscription" "this" { # a reason
  count = 1

  name  = "${count.index} ${basename(path.module)}"
  topic = google_pubsub_topic.this["a"].id

  dynamic "retry_policy" {
    for_each = local.backoffs
    content {
      minimum_backoff = retry_policy.value
    }
  }

  lifecycle {
    ignore_changes = [labels]
    precondition {
      condition     = length(var.names) > 0
      error_message = "names: give one or more."
    }
  }
}

module "part" {
  source = "./part"
  given  = join(",", [for name in var.names : upper(name)])
}
