"""The log reports the growth of the counters at most once a minute, and each field of the line is a counter."""

from __future__ import annotations

import json
import logging

import pytest

from sidecar.service.logs import JsonFormatter
from sidecar.service.metrics import Metrics
from sidecar.service.report import FIELDS, MESSAGE, SECONDS, Report


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, float]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.getMessage() == MESSAGE]


def test_growth_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics, clock = Metrics(), Clock()
    report = Report(metrics.registry, clock)
    metrics.samples(3)
    metrics.busy(1.5)
    report.tick()
    assert lines(caplog) == []
    clock.now = SECONDS
    report.tick()
    report.tick()
    [line] = lines(caplog)
    assert (line["samples"], line["busy_seconds"], line["decode_rows"], line["fallbacks"]) == (3, 1.5, 0, 0)
    clock.now = 2 * SECONDS
    report.tick()
    assert len(lines(caplog)) == 1, "a line was logged without growth"
    metrics.samples(2)
    metrics.fallback("flex", "slower")
    metrics.fallback("flex", "error")
    report.write()
    last = lines(caplog)[-1]
    assert (last["samples"], last["busy_seconds"], last["fallbacks"]) == (2, 0, 2)


def test_each_field_grows_with_its_counter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics = Metrics()
    report = Report(metrics.registry)
    metrics.samples(1)
    metrics.busy(1)
    metrics.tokens("prefill", 1)
    metrics.tokens("styler", 1)
    metrics.padding(1)
    metrics.rows(1)
    metrics.step()
    metrics.split()
    metrics.loaded(1)
    metrics.compiled(1)
    report.write()
    [line] = lines(caplog)
    assert {name: line[name] for name in FIELDS} == dict.fromkeys(FIELDS, 1)
