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

# What a plan cannot know yet, such as a service's URL, decides nothing about what there is: no -target is ever needed.
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
    error_message = "three services and one with a GPU"
  }
}

run "without_a_gpu" {
  assert {
    condition     = length(output.services) == 3 && !contains(output.services, "harvest-score-gpu")
    error_message = "without a sidecar's image there is no GPU service"
  }
  assert {
    condition     = output.input_bucket == "orchard-harvest-input" && output.events_topic == "harvest-events"
    error_message = "names begin with project and name"
  }
  assert {
    condition     = !contains(module.monitoring.alerts, "gpu-idle")
    error_message = "there is nothing to watch of a GPU that is not there"
  }
}

run "with_a_gpu" {
  variables {
    sidecar_image = "europe-west4-docker.pkg.dev/orchard/harvest/sidecar@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    scorer        = "gpu"
  }
  assert {
    condition     = contains(output.services, "harvest-score-gpu")
    error_message = "with a sidecar's image there is a GPU service"
  }
  assert {
    condition     = contains(module.monitoring.alerts, "gpu-idle") && contains(module.monitoring.alerts, "cost")
    error_message = "a GPU is watched"
  }
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
