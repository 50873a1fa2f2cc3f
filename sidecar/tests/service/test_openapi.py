"""The OpenAPI document is valid, and describes the requests and answers of the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sidecar.protocol import Limits
from sidecar.service.app import create_app
from sidecar.service.metrics import Metrics
from sidecar.service.settings import Settings
from sidecar.service.worker import Worker
from sidecar.tests.service.fake_engine import FakeEngine, until

METRICS = Metrics()
WORKER = Worker(FakeEngine, 4, METRICS)
APP = create_app(Settings(limits=Limits(images=2, queries=3)), WORKER, METRICS)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)


@pytest.fixture(autouse=True, scope="module")
def _served() -> Iterator[None]:
    WORKER.start()
    until(lambda: WORKER.state == "ready")
    yield
    WORKER.stop()
    assert WORKER.join(10)


def test_the_document_is_valid_and_complete() -> None:
    SCHEMA.validate()
    document = APP.openapi()
    assert set(document["paths"]) == {"/v1/score", "/v1/limits", "/v1/models", "/healthz", "/metrics"}
    codes = {"200", "401", "408", "413", "422", "429", "500", "503"}
    assert set(document["paths"]["/v1/score"]["post"]["responses"]) == codes


@SCHEMA.parametrize()
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_conform_to_the_document(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(
        checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    )


@SCHEMA.include(path="/v1/score").parametrize()
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_request_that_the_document_allows_is_scored(case: schemathesis.Case[Any]) -> None:
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if positive:
        place_images(case.body)
    answer = case.call()
    if positive:
        assert answer.status_code == 200, answer.text
        sent: Any = case.body
        assert len(answer.json()["items"]) == len(sent["items"])


def place_images(body: Any) -> None:
    """Gives each image its place in the prefix. The schema cannot express this rule."""
    for item in body["items"]:
        texts = [segment for segment in item["prefix"] if isinstance(segment, str)]
        item["prefix"] = [*texts, *({"image": k} for k in range(len(item.get("images", ()))))]
