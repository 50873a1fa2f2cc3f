variable "unused" {
}

locals {
  there  = 1
  unused = local.there
}

resource "google_pubsub_topic" "referring" { # a reason
  name                       = var.mising
  kms_key_name               = local.mising
  message_retention_duration = google_pubsub_topic.mising.name
  project                    = google_pubsub_topic.there.uri
  depends_on                 = [count.index]
  labels                     = data.google_project.mising.labels
  for_each                   = module.part.mising
  provider                   = module.mising.out
}


module "part" {
  source = "../valid/part"
  other  = 1
}
output "some" {
  description = "Some."
  value       = 1
}
