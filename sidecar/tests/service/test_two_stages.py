"""The worker prepares a request while it computes another. The tests control the device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from sidecar.protocol import Item, ItemAnswers
from sidecar.service.metrics import Metrics
from sidecar.service.worker import EngineFailure, Unavailable, Worker
from sidecar.tests.service.fake_engine import MODELS, until

SECONDS = 20


@dataclass(eq=False)
class Held:
    """A request: its name, and whether all of its rows are decoded."""

    name: str
    computed: bool = False
    decoded: bool = False
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.error is not None or self.decoded

    def outcomes(self) -> list[ItemAnswers]:
        if self.error is not None:
            raise self.error
        return [ItemAnswers((), (self.name,))]


@dataclass
class Device:
    """An engine with a device that computes one request for each tick that a test releases."""

    ticks: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    events: list[str] = field(default_factory=list)
    batches: list[Held] = field(default_factory=list)
    pixels: int = 0
    most: int = 0
    fault: Exception | None = None

    def models(self) -> dict[str, str]:
        return MODELS

    def advice(self) -> dict[str, int]:
        return {}

    def begin(self, items: Sequence[Item]) -> Held:
        self.pixels += 1
        self.most = max(self.most, self.pixels)
        name = items[0].pieces()[0]
        self.events.append(f"begin {name}")
        if name == "bad":
            raise ValueError("a tokenizer")
        return Held(name)

    def compute(self, batch: Held, stopping: Callable[[], bool]) -> None:
        self.events.append(f"compute {batch.name}")
        assert self.ticks.acquire(timeout=SECONDS)
        self.pixels -= 1
        self.batches.append(batch)

    def flush(self) -> None:
        self.events.append("flush")
        if self.fault is not None:
            raise self.fault
        for batch in self.batches:
            batch.decoded = True
        self.batches.clear()


@contextmanager
def working(device: Device, metrics: Metrics | None = None) -> Iterator[Worker]:
    worker = Worker(lambda: device, 4, metrics or Metrics())
    worker.start()
    until(lambda: worker.state != "loading")
    try:
        yield worker
    finally:
        device.ticks.release(100)
        worker.stop()
        assert worker.join(SECONDS)


def item(name: str) -> Item:
    return Item((), (name,), ())


def test_one_request_is_prepared_while_another_is_computed_but_no_third() -> None:
    device = Device()
    with working(device) as worker:
        futures = [worker.submit([item(name)]) for name in "abcde"]
        until(lambda: "begin b" in device.events)  # before the first tick
        assert device.events == ["begin a", "compute a", "begin b"]
        device.ticks.release()
        until(lambda: "begin c" in device.events)
        assert sorted(device.events[3:]) == ["begin c", "compute b"]
        device.ticks.release(3)
        until(lambda: device.events[-1] == "compute e")
        assert "flush" not in device.events and not futures[0].done()
        device.ticks.release()
        assert [future.result(SECONDS)[0].flags for future in futures] == [(name,) for name in "abcde"]
        assert device.events.count("flush") == 1 and device.most == 2


def test_a_prepared_request_counts_as_waiting() -> None:
    device, metrics = Device(), Metrics()
    with working(device, metrics) as worker:
        worker.submit([item("a")])
        until(lambda: "compute a" in device.events)
        worker.submit([item("b")])
        until(lambda: worker._prepared is not None)
        worker.submit([item("c")])
        assert metrics.registry.get_sample_value("sidecar_queue") == 2


def test_a_single_request_is_decoded_without_waiting() -> None:
    device = Device()
    device.ticks.release(2)
    with working(device) as worker:
        for name in "ab":
            worker.submit([item(name)]).result(SECONDS)
        assert device.events == ["begin a", "compute a", "flush", "begin b", "compute b", "flush"]


def test_a_signal_refuses_the_prepared_request_and_finishes_the_running_request() -> None:
    device = Device()
    with working(device) as worker:
        first, second, third = (worker.submit([item(name)]) for name in "abc")
        until(lambda: "begin b" in device.events)
        worker.stop()
        for refused in (second, third):
            with pytest.raises(Unavailable):
                refused.result(SECONDS)
        assert not worker.idle
        device.ticks.release()
        assert first.result(SECONDS)[0].flags == ("a",)
        until(lambda: worker.idle)
        assert device.events[-1] == "flush"


def test_a_client_that_disconnects_cancels_its_prepared_request() -> None:
    device = Device()
    with working(device) as worker:
        first, second, third = (worker.submit([item(name)]) for name in "abc")
        until(lambda: "begin b" in device.events)
        until(lambda: second.cancel() or True)
        until(lambda: "begin c" in device.events)
        device.ticks.release(2)
        assert first.result(SECONDS) and third.result(SECONDS)
        assert "compute b" not in device.events and device.events.count("flush") == 1


def test_a_request_that_cannot_be_prepared_does_not_fail_others() -> None:
    device = Device()
    device.ticks.release(2)
    with working(device) as worker:
        good, bad, other = (worker.submit([item(name)]) for name in ("a", "bad", "b"))
        with pytest.raises(EngineFailure, match="tokenizer"):
            bad.result(SECONDS)
        assert good.result(SECONDS) and other.result(SECONDS) and worker.state == "ready"


@pytest.mark.parametrize(("fault", "state"), [("mat1 and mat2", "ready"), ("CUDA error: an illegal access", "failed")])
def test_a_failed_flush_fails_all_of_its_requests(fault: str, state: str) -> None:
    device = Device(fault=RuntimeError(fault))
    with working(device) as worker:
        futures = [worker.submit([item(name)]) for name in "ab"]
        until(lambda: "begin b" in device.events)
        device.ticks.release(2)
        for future in futures:
            with pytest.raises(EngineFailure):
                future.result(SECONDS)
        until(lambda: worker.idle)
        until(lambda: worker.state == state)
