mock_provider "google" {}

variables {
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
  memory              = 2
  deletion_protection = true
}

run "two_containers" {
  module {
    source = "./modules/gpu"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name] == ["score", "sidecar"]
    error_message = "the function and its sidecar"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name if length(c.ports) > 0] == ["score"]
    error_message = "only the function takes requests; the sidecar has no authentication"
  }
  assert {
    condition     = [for c in google_cloud_run_v2_service.score_gpu.template[0].containers : c.name if contains(keys(c.resources[0].limits), "nvidia.com/gpu")] == ["sidecar"]
    error_message = "one container has the GPU"
  }
  assert {
    condition = alltrue([
      for c in google_cloud_run_v2_service.score_gpu.template[0].containers :
      c.startup_probe[0].period_seconds * c.startup_probe[0].failure_threshold <= 240
    ])
    error_message = "Cloud Run takes no startup probe that may last longer than 240 s"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].volumes[0].gcs[0].read_only && google_cloud_run_v2_service.score_gpu.template[0].containers[1].volume_mounts[0].mount_path == "/weights"
    error_message = "the sidecar reads weights where its image looks for them"
  }
  assert {
    condition     = google_cloud_run_v2_service.score_gpu.template[0].scaling[0].min_instance_count == 0 && google_cloud_run_v2_service.score_gpu.template[0].scaling[0].max_instance_count == 2
    error_message = "GPUs scale to nothing, and not beyond their most"
  }
}

run "memory" {
  module {
    source = "./modules/gpu"
  }
  assert {
    condition     = one([for e in google_cloud_run_v2_service.score_gpu.template[0].containers[0].env : e.value if e.name == "GOMEMLIMIT"]) == "1843MiB"
    error_message = "a service collects garbage before its memory is used up"
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
    error_message = "each kind has the CPU and memory that it needs"
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
