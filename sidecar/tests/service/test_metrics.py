"""/metrics reports the requests, the items and the engine's work."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sidecar.service.metrics import Metrics
from sidecar.tests.service.fake_engine import FakeEngine, item, serving


def test_metrics_report_requests_items_queue_models_and_memory() -> None:
    with serving(FakeEngine()) as service:
        service.post(item(), item(), item(images=(b"broken",)))
        service.client.post("/v1/score", content=b"{")
        answer = service.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["sidecar_ready",] == 1
    assert samples["sidecar_model", ("id", "scorer-id"), ("model", "scorer")] == 1
    assert samples["sidecar_requests_total", ("code", "200")] == 1
    assert samples["sidecar_requests_total", ("code", "422")] == 1
    assert samples["sidecar_items_total", ("code", "ok")] == 2
    assert samples["sidecar_items_total", ("code", "image_undecodable")] == 1
    assert samples["sidecar_request_seconds_count",] == 2
    assert samples["sidecar_queue_seconds_count",] == 1
    assert samples["sidecar_queue",] == 0
    assert 0 < samples["sidecar_busy_seconds_total",] < 30
    assert samples["sidecar_gpu_memory_bytes", ("kind", "allocated")] == 123
    assert samples["sidecar_gpu_memory_bytes", ("kind", "total")] == 456


def test_each_event_of_the_engine_is_counted_in_its_metric() -> None:
    metrics = Metrics()
    metrics.padding(5)
    metrics.rows(14)
    metrics.step()
    metrics.step()
    metrics.loaded(3.5)
    metrics.compiled(60)
    value = metrics.registry.get_sample_value
    assert value("sidecar_padding_total") == 5
    assert (value("sidecar_decode_rows_total"), value("sidecar_decode_steps_total")) == (14, 2)
    assert value("sidecar_start_seconds_total", {"phase": "load"}) == 3.5
    assert value("sidecar_start_seconds_total", {"phase": "compile"}) == 60
