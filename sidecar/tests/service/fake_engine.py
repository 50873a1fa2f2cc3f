"""A fake engine without models, and a real server that uses it, for the tests of the service."""

from __future__ import annotations

import base64
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sidecar.protocol import STOPPING, Choice, Fault, Item, ItemAnswers, Text
from sidecar.service.app import create_app
from sidecar.service.metrics import Metrics
from sidecar.service.report import Report
from sidecar.service.server import Server
from sidecar.service.settings import Settings
from sidecar.service.worker import Worker

MODELS = {"scorer": "scorer-id", "styler": "styler-id"}


@dataclass
class FakeBatch:
    items: list[Item]
    results: list[ItemAnswers | Fault] | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.error is not None or self.results is not None

    def outcomes(self) -> list[ItemAnswers | Fault]:
        if self.error is not None:
            raise self.error
        assert self.results is not None
        return self.results


class FakeEngine:
    """Computes answers from the texts of items. With `hold`, `run` waits until `release` is set."""

    tips: Mapping[str, int] = {}

    def __init__(self, hold: bool = False) -> None:
        self.calls: list[list[Item]] = []
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        if not hold:
            self.release.set()
        self.raises: Exception | None = None

    def models(self) -> dict[str, str]:
        return MODELS

    def advice(self) -> dict[str, int]:
        return dict(self.tips)

    def begin(self, items: Sequence[Item]) -> FakeBatch:
        return FakeBatch(list(items))

    def compute(self, batch: FakeBatch, stopping: Callable[[], bool]) -> None:
        try:
            batch.results = self.run(batch.items, stopping)
        except Exception as error:
            batch.error = error

    def flush(self) -> None:
        """Does nothing: `compute` has answered already."""

    def run(self, items: Sequence[Item], stopping: Callable[[], bool] = lambda: False) -> list[ItemAnswers | Fault]:
        self.calls.append(list(items))
        self.entered.release()
        assert self.release.wait(30)
        if self.raises is not None:
            raise self.raises
        # If the service stops during a request that accepts partial answers, only the first item is finished.
        part = 1 if stopping() else len(items)
        return [self._answer(item) for item in items[:part]] + [Fault(STOPPING, "send it again")] * (len(items) - part)

    def _answer(self, item: Item) -> ItemAnswers | Fault:
        if b"broken" in item.images:
            return Fault("image_undecodable", "images[0]: not an image")
        answers: list[Choice | Text] = []
        prefix = "".join(item.pieces())
        for query in item.queries:
            if query.choices is None:
                answers.append(Text(f"{prefix}|{query.text}", truncated=query.max_tokens == 1))
                continue
            best = (len(prefix) + len(query.text)) % len(query.choices)
            logprob = math.nan if prefix == "overflow" else -1.5
            logprobs = tuple(-0.25 if k == best else logprob for k in range(len(query.choices)))
            answers.append(Choice(logprobs, sum(map(math.exp, logprobs)), query.choices[best], 15 + best))
        return ItemAnswers(tuple(answers), () if item.images else ("off_reference",))


@dataclass
class Running:
    """A server on a free port of this machine."""

    address: tuple[str, int]
    client: httpx.Client
    server: Server
    worker: Worker
    metrics: Metrics
    thread: threading.Thread

    def post(self, *items: dict[str, Any]) -> httpx.Response:
        return self.client.post("/v1/score", json={"items": list(items)})

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@contextmanager
def serving(engine: FakeEngine, load: Any = None, ready: bool = True, **settings: Any) -> Iterator[Running]:
    """Serves a fake engine during a with statement."""
    configured = Settings(port=0, **settings)
    metrics = Metrics()
    metrics.watch_memory(lambda: {"allocated": 123, "total": 456})
    worker = Worker(load or (lambda: engine), configured.queue, metrics)
    server = Server(create_app(configured, worker, metrics), configured, worker, Report(metrics.registry))
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    worker.start()
    thread.start()
    until(lambda: server.started)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=30) as client:
            if ready:
                until(lambda: worker.state == "ready")
            yield Running(address, client, server, worker, metrics, thread)
    finally:
        engine.release.set()
        server.should_exit = True
        thread.join(30)
        worker.stop()
        assert worker.join(30)


def until(condition: Any, seconds: float = 20) -> None:
    """Waits for a condition. Fails if it is not true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited without success"
        time.sleep(0.005)


def item(prefix: str = "Question: a?", images: Sequence[bytes] = (b"img",), **extra: Any) -> dict[str, Any]:
    """Returns the JSON of an item: images and a text, a query with choices, and a query of text."""
    return {
        "images": [base64.b64encode(image).decode() for image in images],
        "prefix": [*({"image": k} for k in range(len(images))), prefix],
        "queries": [
            {"model": "scorer", "text": "\nrate", "choices": ["0", "1", "2", "3", "4", "5"]},
            {"model": "styler", "text": "\nstyles", "max_tokens": 64},
        ],
    } | extra
