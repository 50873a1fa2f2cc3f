"""The metrics of `GET /metrics`, in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidecar.observer import Observer

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
TENTHS = tuple(k / 10 for k in range(1, 11))


class Metrics(Observer):
    """The counters of one process: the engine, the worker's queue and the HTTP service report to it.

    Each object has its own registry, so that two apps in one process do not share counters.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"sidecar_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"sidecar_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(f"sidecar_{name}", text, labels, buckets=buckets, registry=self.registry)

        self._requests = counter("requests", "Requests to POST /v1/score, by status code.", "code")
        self._request_seconds = histogram("request_seconds", "Seconds from the headers of a request to its answer.")
        self._items = counter("items", "Items by outcome: `ok`, or the code of the item's error.", "code")
        self._samples = counter("samples", "Samples that the engine answered.")
        self._tokens = counter("tokens", "Positions that were computed, padding included, by stage.", "stage")
        self._shared = counter("tokens_shared", "Positions not computed because the prompts of a sample share them.")
        self._padding = counter("padding", "Padding positions of packs.")
        self._rows = counter("decode_rows", "Rows of text that were decoded.")
        self._steps = counter("decode_steps", "Decoding steps; a step computes all rows of a batch.")
        self._start = counter("start_seconds", "Seconds of reading weights (load) and of compiling (compile).", "phase")
        self._busy = counter("busy_seconds", "Seconds in which a request was computed; the rate is the busy share.")
        self._fill = histogram("pack_fill", "Share of a pack's positions that hold tokens.", buckets=TENTHS)
        self._stage = histogram("stage_seconds", "Seconds by stage; decode is the sum of the pool's threads.", "stage")
        self._splits = counter("memory_splits", "Packs that were split because the device's memory ran out.")
        self._fallback = gauge("fallback", "Models whose fast path failed its check and is not used.", "path", "reason")
        self._queue = gauge("queue", "Requests that wait for the engine.")
        self._queue_seconds = histogram("queue_seconds", "Seconds that a request waited for the engine.")
        self._ready = gauge("ready", "1 when the models are loaded and requests are accepted.")
        self._model = gauge("model", "Id of each loaded model.", "model", "id")

    def samples(self, count: int) -> None:
        self._samples.inc(count)

    def tokens(self, stage: str, count: int) -> None:
        self._tokens.labels(stage).inc(count)

    def shared(self, count: int) -> None:
        self._shared.inc(count)

    def packed(self, fill: float) -> None:
        self._fill.observe(fill)

    def padding(self, count: int) -> None:
        self._padding.inc(count)

    def rows(self, count: int) -> None:
        self._rows.inc(count)

    def step(self) -> None:
        self._steps.inc()

    def loaded(self, seconds: float) -> None:
        self._start.labels("load").inc(seconds)

    def compiled(self, seconds: float) -> None:
        self._start.labels("compile").inc(seconds)

    def busy(self, seconds: float) -> None:
        """Adds the seconds in which a request was computed."""
        self._busy.inc(seconds)

    def seconds(self, stage: str, seconds: float) -> None:
        self._stage.labels(stage).observe(seconds)

    def split(self) -> None:
        self._splits.inc()

    def fallback(self, path: str, reason: str) -> None:
        self._fallback.labels(path, reason).inc()

    def queue_waits(self, requests: int) -> None:
        self._queue.set(requests)

    def queue_left(self, waited_seconds: float) -> None:
        self._queue_seconds.observe(waited_seconds)

    def item(self, code: str) -> None:
        """Counts one item of a request that was answered with 200."""
        self._items.labels(code).inc()

    def request(self, code: int, seconds: float) -> None:
        """Counts one request to POST /v1/score, with any status."""
        self._requests.labels(str(code)).inc()
        self._request_seconds.observe(seconds)

    def watch_memory(self, read: Callable[[], Mapping[str, int]]) -> None:
        """Adds the device's memory to the metrics. `read` is called at each request for the metrics."""
        self.registry.register(_Memory(read))

    def render(self, ready: bool, models: Mapping[str, str]) -> bytes:
        """Returns the metrics in Prometheus' text format, with the current state and models."""
        self._ready.set(ready)
        for model, identity in models.items():
            self._model.labels(model, identity).set(1)
        return generate_latest(self.registry)


class _Memory(Collector):
    def __init__(self, read: Callable[[], Mapping[str, int]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("sidecar_gpu_memory_bytes", "Bytes of the GPU's memory, by kind.", labels=["kind"])
        for kind, size in self._read().items():
            family.add_metric([kind], size)
        yield family
