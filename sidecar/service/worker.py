"""Runs the engine in two threads, with a bounded queue of requests.

One thread prepares a request on the host. The other thread owns the device, and computes the previous request
meanwhile. No third request is prepared, so the decoded images of at most two requests are in memory. A request is
admitted before its body is read, so the queue also bounds the memory of bodies.
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
from typing import Any, Literal, Protocol, TypeVar

from sidecar.memory import device_lost
from sidecar.protocol import Fault, Item, ItemAnswers

log = logging.getLogger(__name__)

State = Literal["loading", "ready", "stopping", "failed"]
LOADING_RETRY_SECONDS = 10
STOPPING_RETRY_SECONDS = 2
MAX_RETRY_SECONDS = 60


class Batch(Protocol):
    """A request that an engine has prepared."""

    @property
    def done(self) -> bool: ...

    def outcomes(self) -> list[ItemAnswers | Fault]: ...


B = TypeVar("B", bound=Batch)


class Engine(Protocol[B]):
    """The methods of an engine that the worker calls. `sidecar.engine.Engine` has them, and so has a fake in tests."""

    def models(self) -> dict[str, str]: ...

    def advice(self) -> dict[str, int]:
        """Returns the recommended limits for clients, by name."""
        ...

    def begin(self, items: Sequence[Item]) -> B: ...

    def compute(self, batch: B, stopping: Callable[[], bool]) -> None: ...

    def flush(self) -> None: ...


class QueueGauge(Protocol):
    """Receives the events of the queue."""

    def queue_waits(self, requests: int) -> None: ...

    def queue_left(self, waited_seconds: float) -> None: ...

    def busy(self, seconds: float) -> None: ...


class QueueFull(Exception):
    """The queue is full; try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class Unavailable(Exception):
    """The service loads its models, stops or has failed; try again after `retry_after` seconds."""

    def __init__(self, state: State) -> None:
        super().__init__(
            {"loading": "the models are loading", "stopping": "the service is stopping"}.get(
                state, "the service has failed"
            )
        )
        self.state = state
        self.retry_after = STOPPING_RETRY_SECONDS if state == "stopping" else LOADING_RETRY_SECONDS


class EngineFailure(Exception):
    """The engine failed, but no item caused it: the request may be sent again."""


@dataclass(eq=False)
class _Job:
    items: Sequence[Item]
    trace: str = ""
    partial: bool = False
    future: Future[list[ItemAnswers | Fault]] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    begun: float = 0.0
    batch: Any = None
    """The prepared request; None before it is prepared."""


class Worker:
    """Loads the engine in its own thread, then computes admitted requests in the order of arrival.

    Rows of text of a request may be decoded together with rows of the next request. A request is answered when all of
    its own rows are decoded.
    """

    def __init__(self, load: Callable[[], Engine[Any]], waiting: int, gauge: QueueGauge) -> None:
        self._load = load
        self._capacity = waiting + 1
        self._gauge = gauge
        self._lock = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._state: State = "loading"
        self._models: dict[str, str] = {}
        self._advice: dict[str, int] = {}
        self._admitted = 0
        self._preparing: _Job | None = None
        self._prepared: _Job | None = None
        self._running = 0
        self._mean_seconds = 1.0
        # A daemon thread, so that a device that hangs does not keep the process alive.
        self._thread = threading.Thread(target=self._serve, name="gpu", daemon=True)

    def start(self) -> None:
        """Starts to load the models."""
        self._thread.start()

    @property
    def state(self) -> State:
        return self._state

    @property
    def models(self) -> dict[str, str]:
        """The id of each loaded model; empty until the models are loaded."""
        return dict(self._models)

    @property
    def advice(self) -> dict[str, int]:
        """The recommended limits for clients, by name; empty until the models are loaded."""
        return dict(self._advice)

    @property
    def idle(self) -> bool:
        """Whether no request is being computed."""
        return self._running == 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Occupies one place of the queue during a with statement. Raises QueueFull or Unavailable."""
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
        """Puts items into the queue. Cancel the future to remove them. Raises Unavailable when the service stops.

        `trace` is the request's W3C traceparent, for the log. With `partial`, only the finished items are answered if
        the service stops.
        """
        job = _Job(items, trace, partial)
        with self._lock:
            if self._state != "ready":
                raise Unavailable(self._state)
            self._jobs.append(job)
            self._count()
            self._lock.notify_all()
        # A cancelled request is removed immediately, so that its images do not stay in memory during the running batch.
        job.future.add_done_callback(lambda future: self._forget(job) if future.cancelled() else None)
        return job.future

    def stop(self) -> None:
        """Refuses waiting and later requests. Requests that are being computed are finished."""
        self._end("stopping")

    def join(self, seconds: float) -> bool:
        """Waits for the thread after `stop`. Returns False if the thread still runs after these seconds."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _forget(self, job: _Job) -> None:
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)
            elif self._prepared is job:
                self._prepared = None
            self._count()
            self._lock.notify_all()

    def _count(self) -> None:
        """Reports the number of waiting requests. The caller holds the lock."""
        self._gauge.queue_waits(len(self._jobs) + (self._preparing is not None) + (self._prepared is not None))

    def _end(self, state: State) -> None:
        with self._lock:
            if self._state != "failed":
                self._state = state
            jobs = [job for job in (self._prepared, self._preparing, *self._jobs) if job is not None]
            self._preparing = self._prepared = None
            self._jobs.clear()
            self._count()
            self._lock.notify_all()
        for job in jobs:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Unavailable(state))

    def _serve(self) -> None:
        try:
            engine = self._load()
            self._models, self._advice = engine.models(), engine.advice()
        except Exception:
            log.exception("loading the models failed")
            self._end("failed")
            return
        with self._lock:
            if self._state == "loading":
                self._state = "ready"
        log.info("ready", extra={"models": self._models})
        threading.Thread(target=self._prepare, args=(engine,), name="prepare", daemon=True).start()
        under_way: list[_Job] = []
        while (job := self._next(wait=not under_way)) is not None or under_way:
            under_way += [job] if job is not None else []
            if self._work(engine, job, under_way):
                self._end("failed")
                return
            under_way = [one for one in under_way if not one.future.done()]

    def _work(self, engine: Engine[Any], job: _Job | None, under_way: list[_Job]) -> bool:
        """Computes a request. If `job` is None, finishes all requests in progress. Returns True if the device is
        lost."""
        begun = time.monotonic()
        try:
            if job is None:
                engine.flush()
            else:
                self._gauge.queue_left(begun - job.since)
                engine.compute(job.batch, lambda: job.partial and self._state == "stopping")
        except Exception as error:
            return any([self._fail(one, error) for one in under_way])  # noqa: C419 - each request must fail
        finally:
            self._gauge.busy(time.monotonic() - begun)
        lost = False
        for one in under_way:
            if one.batch.done:
                lost = self._answer(one) or lost
        for one in under_way if lost else ():
            if not one.future.done():
                self._fail(one, RuntimeError("the device is lost"))
        return lost

    def _answer(self, job: _Job) -> bool:
        """Answers a request that is done. Returns True if the device is lost, so that the process must end."""
        try:
            outcomes = job.batch.outcomes()
            if len(outcomes) != len(job.items):
                raise RuntimeError(f"{len(outcomes)} outcomes for {len(job.items)} items")
        except Exception as error:
            return self._fail(job, error)
        self._mean_seconds += 0.3 * (time.monotonic() - job.begun - self._mean_seconds)
        job.future.set_result(outcomes)
        self._ended()
        return False

    def _fail(self, job: _Job, error: Exception) -> bool:
        log.error(
            "computing a batch of %d items failed", len(job.items), exc_info=error, extra={"traceparent": job.trace}
        )
        job.future.set_exception(EngineFailure(f"{type(error).__name__}: {error}"))
        self._ended()
        return device_lost(error)

    def _ended(self) -> None:
        with self._lock:
            self._running -= 1

    def _prepare(self, engine: Engine[Any]) -> None:
        """Prepares each request while the previous request is computed."""
        while (job := self._take()) is not None:
            failure: EngineFailure | None = None
            try:
                job.batch = engine.begin(job.items)
            except Exception as error:
                log.exception("preparing a batch of %d items failed", len(job.items), extra={"traceparent": job.trace})
                failure = EngineFailure(f"{type(error).__name__}: {error}")
            with self._lock:
                # During the preparation, the job may have been refused, or cancelled because its client disconnected.
                mine, self._preparing = self._preparing is job, None
                if mine and failure is None and not job.future.cancelled():
                    self._prepared = job
                self._count()
                self._lock.notify_all()
            if mine and failure is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(failure)

    def _take(self) -> _Job | None:
        """Waits until no prepared request is left. Returns the next request to prepare; None when the service stops."""
        with self._lock:
            while not self._jobs or self._prepared is not None:
                if self._state != "ready":
                    return None
                self._lock.wait()
            self._preparing = self._jobs.popleft()
            return self._preparing

    def _next(self, wait: bool) -> _Job | None:
        """Returns the request to compute next; None when the service stops.

        Without `wait` it also returns None if no request is prepared, being prepared or queued.
        """
        with self._lock:
            while True:
                if self._prepared is not None:
                    job, self._prepared = self._prepared, None
                    self._count()
                    self._lock.notify_all()
                    # The job leaves the queue and starts under one lock, so a drain finds it either queued or running.
                    if job.future.set_running_or_notify_cancel():
                        self._running += 1
                        job.begun = time.monotonic()
                        return job
                    continue
                if self._state != "ready" or not (wait or self._jobs or self._preparing):
                    return None
                self._lock.wait()
