"""How long a device takes for each stage, without waiting for it.

A mark lies in the device's queue, between the work before it and after it. What lies between two marks is read once the
device has passed both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from sidecar.observer import Observer


class Mark(Protocol):
    """A point in the device's queue."""

    def query(self) -> bool:
        """Whether the device has passed it."""
        ...

    def elapsed_time(self, later: Mark) -> float:
        """Milliseconds from this mark to a later one; both must be passed."""
        ...


class HostMark:
    """A mark where all work is done when its call returns."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def query(self) -> bool:
        return True

    def elapsed_time(self, later: HostMark) -> float:
        return 1e3 * (later._at - self._at)


def marks(device: torch.device) -> Callable[[], Mark]:
    """What sets a mark on a device."""
    if device.type != "cuda":
        return HostMark

    def mark() -> Mark:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    return mark


class Stages:
    """Reports the seconds of stages to an observer, in order, each once the device is beyond it."""

    def __init__(self, mark: Callable[[], Mark], observer: Observer) -> None:
        self._mark = mark
        self._observer = observer
        self._open: list[tuple[str, Mark, Mark]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The work that is given to the device in a with statement is a stage; one that raises is none."""
        begun = self._mark()
        yield
        self._open.append((name, begun, self._mark()))

    def settle(self) -> None:
        """Report the stages that the device is beyond. It does not wait for the others."""
        while self._open and self._open[0][2].query():
            name, begun, ended = self._open.pop(0)
            self._observer.seconds(name, begun.elapsed_time(ended) / 1e3)
