locals {
  service = "${var.name}-score-gpu"
  port    = 8700

  internal = anytrue([for vpc in var.vpc : vpc.egress == "ALL_TRAFFIC"])

  # The smallest sizes that Cloud Run allows for each GPU. Larger sizes would cost more without being faster, because
  # the GPU limits the speed.
  sidecar_resources = {
    nvidia-l4           = { cpu = "4", memory = "16Gi" }
    nvidia-rtx-pro-6000 = { cpu = "20", memory = "80Gi" }
  }
}

# One service with two containers. The Go function gets the requests, and calls the sidecar on localhost. The sidecar
# has the GPU.
resource "google_cloud_run_v2_service" "score_gpu" {
  name     = local.service
  location = var.region
  labels   = var.labels
  # When ingest and curate plan a run, they ask this service for its models. Their calls count as internal only if all
  # of their traffic goes through a VPC.
  ingress             = local.internal ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : "INGRESS_TRAFFIC_ALL"
  deletion_protection = var.deletion_protection
  custom_audiences    = [local.service]

  template {
    labels                           = var.labels
    service_account                  = var.accounts["score-gpu"]
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = var.concurrency
    timeout                          = "590s"
    # Without zonal redundancy the GPU is cheaper. If a zone fails, messages wait in their queue, so only time is lost.
    gpu_zonal_redundancy_disabled = true

    scaling {
      min_instance_count = 0 # a GPU costs money as long as its instance exists
      max_instance_count = var.max_instances
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

    node_selector {
      accelerator = var.gpu
    }

    containers {
      name  = "score"
      image = var.functions_image

      ports {
        container_port = 8080
      }

      resources {
        limits   = { cpu = var.memory > 4 ? "2" : "1", memory = "${var.memory}Gi" }
        cpu_idle = false # GPUs come with CPU that is always allocated
      }

      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      dynamic "env" {
        # 90 % of the memory; the rest is for memory that Go's runtime does not count.
        for_each = merge({ GOMEMLIMIT = "${floor(var.memory * 1024 * 0.9)}MiB" }, var.environment, {
          FUNCTION_TARGET   = "score"
          GPU_SIDECAR       = "http://127.0.0.1:${local.port}"
          OTEL_SERVICE_NAME = local.service
          PUSH_AUDIENCE     = local.service
        })
        content {
          name  = env.key
          value = env.value
        }
      }
    }

    containers {
      name  = "sidecar"
      image = var.sidecar_image

      resources {
        limits   = merge(local.sidecar_resources[var.gpu], { "nvidia.com/gpu" = "1" })
        cpu_idle = false
      }

      # This probe only checks that the sidecar listens. Loading two 7B models takes longer than the 240 s that a
      # startup probe may last, and an instance that fails its probe would be replaced again and again. While the
      # sidecar loads, it answers 503, and score keeps its delivery.
      startup_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 24
        tcp_socket {
          port = local.port
        }
      }

      # A sidecar that does not answer is restarted. It answers this path while it loads and while it rates. If its
      # engine fails, the process ends by itself.
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 10
        failure_threshold = 6
        http_get {
          path = "/v1/limits"
          port = local.port
        }
      }

      dynamic "env" {
        for_each = merge({
          SIDECAR_PORT = tostring(local.port)
          # Cloud Run waits 10 s after SIGTERM. The client sends an unfinished batch again.
          SIDECAR_GRACE_SECONDS = "9"
        }, var.sidecar_environment)
        content {
          name  = env.key
          value = env.value
        }
      }

      volume_mounts {
        name       = "weights"
        mount_path = "/weights"
      }
    }

    # The weights are read from the bucket, because the file system of an instance is in memory.
    volumes {
      name = "weights"
      gcs {
        bucket    = var.weights_bucket
        read_only = true
      }
    }
  }

  # The pipeline moves the traffic to a new revision after it has tested it.
  lifecycle {
    ignore_changes = [traffic]
  }
}
