resource "google_cloud_run_v2_service" "function" {
  for_each = local.functions

  name     = "${var.name}-${each.key}"
  location = var.region
  labels   = var.labels
  # Pub/Sub's pushes of the same project count as internal.
  ingress             = each.value.ingress
  deletion_protection = var.deletion_protection
  # The audience of pushes is a fixed name, because the URL of a service is not known before the service exists.
  custom_audiences = ["${var.name}-${each.key}"]

  template {
    labels                           = var.labels
    service_account                  = var.accounts[each.key]
    max_instance_request_concurrency = var.concurrency[each.key]
    # Longer than a delivery takes (540 s), and shorter than Pub/Sub waits (600 s).
    timeout = "590s"

    scaling {
      min_instance_count = 0 # an idle service costs nothing
      max_instance_count = var.max_instances[each.key]
    }

    dynamic "vpc_access" {
      for_each = var.vpc
      content {
        egress = vpc_access.value.egress
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }

    containers {
      image = var.image

      resources {
        limits            = { cpu = tostring(local.cpu[each.key]), memory = "${var.memory[each.key]}Gi" }
        cpu_idle          = true # the CPU costs money only while a request is served
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        http_get {
          path = "/healthz"
        }
      }

      dynamic "env" {
        # 90 % of the memory; the rest is for memory that Go's runtime does not count.
        for_each = merge({
          GOMEMLIMIT = "${floor(var.memory[each.key] * 1024 * 0.9)}MiB"
          }, var.environment, each.value.environment, {
          FUNCTION_TARGET   = each.key
          OTEL_SERVICE_NAME = "${var.name}-${each.key}"
          PUSH_AUDIENCE     = "${var.name}-${each.key}"
        })
        content {
          name  = env.key
          value = env.value
        }
      }

      # This is a reference to the secret, so that no state and no log contains its value.
      dynamic "env" {
        for_each = each.value.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  # The pipeline moves the traffic to a new revision after it has tested it.
  lifecycle {
    ignore_changes = [traffic]
  }
}
