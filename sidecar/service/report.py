"""Logs the growth of the counters once a minute, because on Cloud Run nothing scrapes /metrics.

Log-based metrics in infra/terraform/modules/monitoring sum these lines, so they give the same counts as /metrics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)

MESSAGE = "sidecar work"
SECONDS = 60.0
FIELDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "samples": ("sidecar_samples_total", {}),
    "busy_seconds": ("sidecar_busy_seconds_total", {}),
    "prefill_tokens": ("sidecar_tokens_total", {"stage": "prefill"}),
    "padding_tokens": ("sidecar_padding_total", {}),
    "decode_tokens": ("sidecar_tokens_total", {"stage": "styler"}),
    "decode_rows": ("sidecar_decode_rows_total", {}),
    "decode_steps": ("sidecar_decode_steps_total", {}),
    "memory_splits": ("sidecar_memory_splits_total", {}),
    "load_seconds": ("sidecar_start_seconds_total", {"phase": "load"}),
    "compile_seconds": ("sidecar_start_seconds_total", {"phase": "compile"}),
}
"""The fields of a line, each with the counter whose growth it reports."""
FALLBACKS = "fallbacks"
"""The field that counts, for each fast path, the models that do not use it because it failed its check."""


class Report:
    """Logs how much the counters have grown, at most every `SECONDS`. It logs nothing if no counter has grown."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._due = clock() + SECONDS
        self._before: dict[str, float] = {}

    def tick(self) -> None:
        """Logs a line if one is due."""
        if self._clock() >= self._due:
            self.write()

    def write(self) -> None:
        """Logs a line now, for example before the process ends."""
        self._due = self._clock() + SECONDS
        now = self._read()
        grown = {name: round(value - self._before.get(name, 0.0), 3) for name, value in now.items()}
        self._before = now
        if any(grown.values()):
            log.info(MESSAGE, extra=grown)

    def _read(self) -> dict[str, float]:
        counts = {
            name: self._registry.get_sample_value(metric, dict(labels)) or 0.0
            for name, (metric, labels) in FIELDS.items()
        }
        families = (family for family in self._registry.collect() if family.name == "sidecar_fallback")
        counts[FALLBACKS] = sum(sample.value for family in families for sample in family.samples)
        return counts
