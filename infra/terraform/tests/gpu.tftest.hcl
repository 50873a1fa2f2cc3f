mock_provider "google" {}

variables {
  vpc                 = []
  labels              = { app = "harvest", team = "vision" }
  region              = "europe-west4"
  name                = "harvest"
  functions_image     = "functions@sha256:0"
  sidecar_image       = "sidecar@sha256:0"
  gpu                 = "nvidia-l4"
  accounts            = { ingest = "i@example.com", curate = "c@example.com", push = "p@example.com", score-gpu = "g@example.com" }
  environment         = { SCORER = "gpu" }
  sidecar_environment = { SIDECAR_MODELS = "scorer" }
  weights_bucket      = "orchard-harvest-weights"
  max_instances       = 2
  concurrency         = 2
  memory              = 2
  deletion_protection = true
}

run "two_containers" {
  module {
    source = "./modules/gpu"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name] == ["score", "sidecar"]
    error_message = "the service must have two containers: the function and its sidecar"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name if length(c.ports) > 0] == ["score"]
    error_message = "only the function may get requests, because the sidecar has no authentication"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name if contains(keys(c.resources[0].limits), "nvidia.com/gpu")] == ["sidecar"]
    error_message = "only one container may have the GPU"
  }
  assert {
    condition = alltrue([
      for c in google_cloud_run_v2_service.score_gpu.template[0].containers :
      c.startup_probe[0].period_seconds * c.startup_probe[0].failure_threshold <= 240
    ])
    error_message = "Cloud Run refuses a startup probe that may last longer than 240 s"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].volumes[0].gcs[0].read_only && google_cloud_run_v2_service.score_gpu.template[0].containers[1].volume_mounts[0].mount_path == "/weights"
    error_message = "the weights must be mounted at the path that the sidecar's image reads"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].scaling[0].min_instance_count == 0 && google_cloud_run_v2_service.score_gpu.template[0].scaling[0].max_instance_count == 2
    error_message = "the GPU service must scale to zero, and at most to max_instances"
  }
}

run "liveness" {
  module {
    source = "./modules/gpu"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].containers[1].liveness_probe[0].http_get[0].path == "/v1/limits"
    error_message = "a sidecar that does not answer must be restarted, but not while it loads"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.ingress == "INGRESS_TRAFFIC_ALL" && length(google_cloud_run_v2_service.score_gpu.template[0].vpc_access) == 0
    error_message = "without a VPC, the service must accept calls from outside, because the other services call it so"
  }
}

run "in_a_hardened_network" {
  module {
    source = "./modules/gpu"
  }
  variables {
    vpc = [{ network = "farm", subnetwork = "farm-west", egress = "ALL_TRAFFIC" }]
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    error_message = "calls through the VPC must count as internal"
  }
}

run "memory" {
  module {
    source = "./modules/gpu"
  }
  assert {
    condition     = one([for e in google_cloud_run_v2_service.score_gpu.template[0].containers[0].env : e.value if e.name == "GOMEMLIMIT"]) == "1843MiB"
    error_message = "GOMEMLIMIT must be 90 % of the memory"
  }
}

run "larger_gpu" {
  module {
    source = "./modules/gpu"
  }
  variables {
    gpu = "nvidia-rtx-pro-6000"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].containers[1].resources[0].limits.memory == "80Gi" && google_cloud_run_v2_service.score_gpu.template[0].node_selector[0].accelerator == "nvidia-rtx-pro-6000"
    error_message = "each kind of GPU must have its CPU and memory"
  }
}

run "refuses_other_gpus" {
  command = plan
  module {
    source = "./modules/gpu"
  }
  variables {
    gpu = "nvidia-h200"
  }
  expect_failures = [var.gpu]
}
