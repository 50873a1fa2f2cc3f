# The whole configuration with a mocked provider: `terraform init -backend=false && terraform test`.
mock_provider "google" {
  mock_resource "google_cloud_run_v2_service" {
    defaults = { uri = "https://service-1234567890.europe-west4.run.app" }
  }
  mock_resource "google_monitoring_dashboard" {
    defaults = { id = "projects/1/dashboards/2" }
  }
}

variables {
  project         = "orchard"
  functions_image = "europe-west4-docker.pkg.dev/orchard/harvest/functions@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

# The set of resources must not depend on values that a plan does not know, such as a service's URL. So -target is never
# needed.
run "one_apply_is_enough" {
  command = plan
  variables {
    sidecar_image = "europe-west4-docker.pkg.dev/orchard/harvest/sidecar@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    alert_emails  = ["someone@example.com"]
    uploaders     = ["group:people@example.com"]
    image_buckets = ["coco"]
    llm           = true
  }
  assert {
    condition     = length(output.services) == 4
    error_message = "there must be three services, and one with a GPU"
  }
}

run "without_a_gpu" {
  assert {
    condition     = length(output.services) == 3 && !contains(output.services, "harvest-score-gpu")
    error_message = "without a sidecar's image there must be no GPU service"
  }
  assert {
    condition     = output.input_bucket == "orchard-harvest-input" && output.events_topic == "harvest-events"
    error_message = "names must begin with project and name"
  }
  assert {
    condition     = !contains(module.monitoring.alerts, "gpu-idle")
    error_message = "without a GPU service there must be no alerts about it"
  }
}

run "with_a_gpu" {
  variables {
    sidecar_image = "europe-west4-docker.pkg.dev/orchard/harvest/sidecar@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    scorer        = "gpu"
  }
  assert {
    condition     = contains(output.services, "harvest-score-gpu")
    error_message = "with a sidecar's image there must be a GPU service"
  }
  assert {
    condition     = contains(module.monitoring.alerts, "gpu-idle") && contains(module.monitoring.alerts, "cost")
    error_message = "a GPU service must have alerts"
  }
}

run "refuses_two_regions_in_one_subnetwork" {
  command = plan
  variables {
    vpc        = { network = "farm", subnetwork = "farm-west" }
    gpu_region = "us-central1"
  }
  expect_failures = [var.vpc]
}

run "network_and_regions" {
  command = plan
  variables {
    ingress = "internal-and-cloud-load-balancing"
    vpc     = { network = "farm", subnetwork = "farm-west", egress = "all-traffic" }
    labels  = { team = "vision" }
  }
  assert {
    condition     = local.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && local.vpc[0].egress == "ALL_TRAFFIC"
    error_message = "ingress and egress must have the values that Cloud Run accepts"
  }
  assert {
    condition     = local.labels == { app = "harvest", team = "vision" }
    error_message = "the labels must have app and the user's labels"
  }
}

# A run must not have more concurrent tasks than the services can process, because more would be answered 429.
run "in_flight_follows_from_instances" {
  command = plan
  variables {
    max_instances = { ingest = 3, score = 50, score_gpu = 4 }
  }
  assert {
    condition     = local.in_flight == { IN_FLIGHT = 12, IN_FLIGHT_GPU = 8 }
    error_message = "three instances of ingest process 12 tasks, and four instances of score-gpu process 8 tasks"
  }
  assert {
    condition     = local.environment["IN_FLIGHT"] == "12" && local.environment["IN_FLIGHT_GPU"] == "8"
    error_message = "the functions must get both variables"
  }
}

run "in_flight_by_default" {
  command = plan
  assert {
    condition     = local.in_flight == { IN_FLIGHT = 40, IN_FLIGHT_GPU = 4 }
    error_message = "20 instances of score and 2 instances of score-gpu process two tasks each"
  }
  assert {
    condition     = alltrue([for service in ["ingest", "score", "curate"] : local.capacity[service] == 40])
    error_message = "no service should have a smaller capacity than the others"
  }
}

run "images_stay_where_they_are" {
  command = plan
  assert {
    condition     = !contains(keys(var.input_lifecycle), "images/") && length(var.work_lifecycle) == 0
    error_message = "images must have no lifecycle transition, because the operations would cost more than they save"
  }
}

run "refuses_a_token_that_the_probe_does_not_have" {
  command = plan
  variables {
    sidecar_settings = { SIDECAR_TOKEN = "secret" }
  }
  expect_failures = [var.sidecar_settings]
}

run "refuses_a_tag" {
  command = plan
  variables {
    functions_image = "europe-west4-docker.pkg.dev/orchard/harvest/functions:latest"
  }
  expect_failures = [var.functions_image]
}

run "refuses_a_gpu_that_is_not_there" {
  command = plan
  variables {
    scorer = "gpu"
  }
  expect_failures = [var.scorer]
}

run "refuses_an_llm_of_unknown_cost" {
  command = plan
  variables {
    scorer = "llm"
    llm    = true
  }
  expect_failures = [var.scorer]
}

run "refuses_the_public" {
  command = plan
  variables {
    api_users = ["allUsers"]
  }
  expect_failures = [var.api_users]
}

run "refuses_secrets_in_settings" {
  command = plan
  variables {
    settings = { LLM_API_KEY = "something" }
  }
  expect_failures = [var.settings]
}
