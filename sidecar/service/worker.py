"""One thread that owns the engine, and the bounded queue before it.

A request is admitted before its body is read, so the bodies held in memory are bounded by the queue too.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sidecar.memory import device_lost
from sidecar.protocol import Fault, Item, ItemAnswers

log = logging.getLogger(__name__)

State = Literal["loading", "ready", "stopping", "failed"]
LOADING_RETRY_SECONDS = 10
STOPPING_RETRY_SECONDS = 2
MAX_RETRY_SECONDS = 60


class Engine(Protocol):
    """What answers items: `sidecar.engine.Engine`, or a fake of it in tests."""

    def models(self) -> dict[str, str]: ...

    def run(self, items: Sequence[Item], stopping: Callable[[], bool]) -> list[ItemAnswers | Fault]: ...


class QueueGauge(Protocol):
    """Receives what happens in the queue."""

    def queue_waits(self, requests: int) -> None: ...

    def queue_left(self, waited_seconds: float) -> None: ...

    def busy(self, seconds: float) -> None: ...


class QueueFull(Exception):
    """The queue is full; try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class Unavailable(Exception):
    """The service is loading its models, stopping or broken; try again after `retry_after` seconds."""

    def __init__(self, state: State) -> None:
        super().__init__(
            {"loading": "the models are loading", "stopping": "the service is stopping"}.get(
                state, "the service has failed"
            )
        )
        self.state = state
        self.retry_after = STOPPING_RETRY_SECONDS if state == "stopping" else LOADING_RETRY_SECONDS


class EngineFailure(Exception):
    """The engine itself failed, and not because of an item: the request may be sent again."""


@dataclass(eq=False)
class _Job:
    items: Sequence[Item]
    trace: str = ""
    partial: bool = False
    future: Future[list[ItemAnswers | Fault]] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class Worker:
    """Loads the engine in its own thread, then runs admitted requests one after another, in order of arrival."""

    def __init__(self, load: Callable[[], Engine], waiting: int, gauge: QueueGauge) -> None:
        self._load = load
        self._capacity = waiting + 1
        self._gauge = gauge
        self._lock = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._state: State = "loading"
        self._models: dict[str, str] = {}
        self._admitted = 0
        self._running = False
        self._mean_seconds = 1.0
        # A daemon, so that a hung device cannot keep a stopping process alive.
        self._thread = threading.Thread(target=self._serve, name="gpu", daemon=True)

    def start(self) -> None:
        """Begin to load the models."""
        self._thread.start()

    @property
    def state(self) -> State:
        return self._state

    @property
    def models(self) -> dict[str, str]:
        """Id of each loaded model; empty until they are loaded."""
        return dict(self._models)

    @property
    def idle(self) -> bool:
        """Whether no request is being run."""
        return not self._running

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold one place of the queue, or raise QueueFull or Unavailable."""
        with self._lock:
            if self._state != "ready":
                raise Unavailable(self._state)
            if self._admitted >= self._capacity:
                raise QueueFull(min(MAX_RETRY_SECONDS, max(1, math.ceil(self._mean_seconds))))
            self._admitted += 1
        try:
            yield
        finally:
            with self._lock:
                self._admitted -= 1

    def submit(
        self, items: Sequence[Item], trace: str = "", partial: bool = False
    ) -> Future[list[ItemAnswers | Fault]]:
        """Queue items; cancel the future to take them out again. Raises Unavailable when the service stops.

        `trace` is the request's W3C traceparent, for the log. `partial` takes what is finished when the service stops.
        """
        job = _Job(items, trace, partial)
        with self._lock:
            if self._state != "ready":
                raise Unavailable(self._state)
            self._jobs.append(job)
            self._gauge.queue_waits(len(self._jobs))
            self._lock.notify()
        # A client that leaves takes its images with it, however long the batch before it runs.
        job.future.add_done_callback(lambda future: self._forget(job) if future.cancelled() else None)
        return job.future

    def stop(self) -> None:
        """Refuse what waits and what comes, and let what runs finish."""
        self._end("stopping")

    def join(self, seconds: float) -> bool:
        """Wait for the thread after `stop`; False if it is still at work."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _forget(self, job: _Job) -> None:
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)
                self._gauge.queue_waits(len(self._jobs))

    def _end(self, state: State) -> None:
        with self._lock:
            if self._state != "failed":
                self._state = state
            jobs, self._jobs = list(self._jobs), deque()
            self._gauge.queue_waits(0)
            self._lock.notify_all()
        for job in jobs:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Unavailable(state))

    def _serve(self) -> None:
        try:
            engine = self._load()
            self._models = engine.models()
        except Exception:
            log.exception("loading the models")
            self._end("failed")
            return
        with self._lock:
            if self._state == "loading":
                self._state = "ready"
        log.info("ready", extra={"models": self._models})
        while (job := self._next()) is not None:
            fatal = self._run(engine, job)
            with self._lock:
                self._running = False
            if fatal:
                self._end("failed")
                return

    def _next(self) -> _Job | None:
        with self._lock:
            while True:
                while not self._jobs:
                    if self._state != "ready":
                        return None
                    self._lock.wait()
                job = self._jobs.popleft()
                self._gauge.queue_waits(len(self._jobs))
                # Set under the lock under which the job leaves the queue: a drain must never see it in neither place.
                if job.future.set_running_or_notify_cancel():
                    self._running = True
                    return job

    def _run(self, engine: Engine, job: _Job) -> bool:
        """Run one job; True if the device is lost and the process must be replaced."""
        begun = time.monotonic()
        self._gauge.queue_left(begun - job.since)
        try:
            outcomes = engine.run(job.items, lambda: job.partial and self._state == "stopping")
            if len(outcomes) != len(job.items):
                raise RuntimeError(f"{len(outcomes)} outcomes for {len(job.items)} items")
        except Exception as error:
            log.exception("running a batch of %d items", len(job.items), extra={"traceparent": job.trace})
            job.future.set_exception(EngineFailure(f"{type(error).__name__}: {error}"))
            return device_lost(error)
        finally:
            self._gauge.busy(time.monotonic() - begun)
        self._mean_seconds += 0.3 * (time.monotonic() - begun - self._mean_seconds)
        job.future.set_result(outcomes)
        return False
