mock_provider "google" {}

variables {
  ingress             = "INGRESS_TRAFFIC_ALL"
  vpc                 = []
  labels              = { app = "harvest", team = "vision" }
  region              = "europe-west4"
  name                = "harvest"
  image               = "functions@sha256:0"
  accounts            = { ingest = "i@example.com", score = "s@example.com", curate = "c@example.com", push = "p@example.com" }
  environment         = { INPUT_BUCKET = "gs://input" }
  gpu_url             = null
  llm_secret          = null
  max_instances       = { ingest = 1, score = 2, curate = 3 }
  concurrency         = { ingest = 4, score = 2, curate = 8 }
  memory              = { ingest = 1, score = 2, curate = 16 }
  api_users           = ["group:people@example.com"]
  deletion_protection = true
}

run "services" {
  module {
    source = "./modules/functions"
  }
  assert {
    condition     = alltrue([for key, s in google_cloud_run_v2_service.function : s.template[0].service_account == var.accounts[key]])
    error_message = "every service must have its own account"
  }
  assert {
    condition     = alltrue([for s in google_cloud_run_v2_service.function : s.template[0].timeout == "590s" && s.template[0].scaling[0].min_instance_count == 0 && s.template[0].scaling[0].max_instance_count > 0])
    error_message = "services must scale to zero, and at most to max_instances"
  }
  assert {
    condition     = { for key, s in google_cloud_run_v2_service.function : key => s.template[0].max_instance_request_concurrency } == var.concurrency
    error_message = "the concurrency of an instance must be the number that IN_FLIGHT is computed with"
  }
  assert {
    condition     = google_cloud_run_v2_service.function["curate"].template[0].containers[0].resources[0].limits == tomap({ cpu = "4", memory = "16Gi" })
    error_message = "with more memory, a service must have more CPU"
  }
  assert {
    condition     = google_cloud_run_v2_service.function["score"].template[0].containers[0].resources[0].limits == tomap({ cpu = "2", memory = "2Gi" })
    error_message = "less memory must not reduce the CPU"
  }
  assert {
    condition     = { for key, s in google_cloud_run_v2_service.function : key => one([for e in s.template[0].containers[0].env : e.value if e.name == "GOMEMLIMIT"]) } == { ingest = "921MiB", score = "1843MiB", curate = "14745MiB" }
    error_message = "GOMEMLIMIT must be 90 % of the memory"
  }
  assert {
    condition     = [for key, s in google_cloud_run_v2_service.function : key if s.ingress != "INGRESS_TRAFFIC_INTERNAL_ONLY"] == ["curate"]
    error_message = "only the API may be reachable from outside"
  }
  assert {
    condition     = one([for e in google_cloud_run_v2_service.function["score"].template[0].containers[0].env : e.value if e.name == "PUSH_AUDIENCE"]) == "harvest-score"
    error_message = "PUSH_AUDIENCE must be the name of the service"
  }
  assert {
    condition     = toset([for m in google_cloud_run_v2_service_iam_member.invoker : m.member]) == toset(["serviceAccount:p@example.com", "group:people@example.com"])
    error_message = "nobody else may call a service"
  }
  assert {
    condition     = length([for e in google_cloud_run_v2_service.function["ingest"].template[0].containers[0].env : e if e.name == "GPU_SIDECAR"]) == 0
    error_message = "without a GPU service there must be no GPU_SIDECAR"
  }
}

run "in_a_hardened_network" {
  module {
    source = "./modules/functions"
  }
  variables {
    ingress = "INGRESS_TRAFFIC_INTERNAL_ONLY"
    vpc     = [{ network = "farm", subnetwork = "farm-west", egress = "ALL_TRAFFIC" }]
  }
  assert {
    condition     = alltrue([for s in google_cloud_run_v2_service.function : s.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && s.template[0].vpc_access[0].egress == "ALL_TRAFFIC" && s.template[0].vpc_access[0].network_interfaces[0].subnetwork == "farm-west"])
    error_message = "no service may be reachable from outside, and all egress must go through the VPC"
  }
  assert {
    condition     = alltrue([for s in google_cloud_run_v2_service.function : s.labels == tomap(var.labels) && s.template[0].labels == tomap(var.labels)])
    error_message = "services and their instances must have the labels"
  }
}

run "with_gpu_and_llm" {
  module {
    source = "./modules/functions"
  }
  variables {
    gpu_url    = "https://g"
    llm_secret = "harvest-llm-api-key"
  }
  assert {
    condition = alltrue([
      for key, s in google_cloud_run_v2_service.function :
      length([for e in s.template[0].containers[0].env : e if e.name == "LLM_API_KEY"]) == (key == "score" ? 1 : 0)
    ])
    error_message = "only score may get the key"
  }
  assert {
    condition     = one([for e in google_cloud_run_v2_service.function["score"].template[0].containers[0].env : e.value_source[0].secret_key_ref[0].secret if e.name == "LLM_API_KEY"]) == "harvest-llm-api-key"
    error_message = "the key must be a reference to the secret"
  }
  assert {
    condition     = one([for e in google_cloud_run_v2_service.function["curate"].template[0].containers[0].env : e.value if e.name == "GPU_SIDECAR_AUDIENCE"]) == "harvest-score-gpu"
    error_message = "curate must have GPU_SIDECAR to plan runs with the scorer gpu"
  }
}
