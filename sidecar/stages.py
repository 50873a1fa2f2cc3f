"""Measures how long the device takes for each stage, without waiting for it.

A mark is put into the device's queue before and after the work of a stage. The time between two marks is read after the
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
        """Returns whether the device has passed this mark."""
        ...

    def elapsed_time(self, later: Mark) -> float:
        """Returns the milliseconds from this mark to a later one. The device must have passed both."""
        ...


class HostMark:
    """A mark for a device that has done its work when a call returns."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def query(self) -> bool:
        return True

    def elapsed_time(self, later: HostMark) -> float:
        return 1e3 * (later._at - self._at)


def marks(device: torch.device) -> Callable[[], Mark]:
    """Returns a function that puts a mark into the queue of a device."""
    if device.type != "cuda":
        return HostMark

    def mark() -> Mark:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    return mark


class Stages:
    """Reports the seconds of each stage to an observer, in order, after the device has finished the stage."""

    def __init__(self, mark: Callable[[], Mark], observer: Observer) -> None:
        self._mark = mark
        self._observer = observer
        self._open: list[tuple[str, Mark, Mark]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures the work that is given to the device in a with statement. If the statement raises, nothing is
        reported."""
        begun = self._mark()
        yield
        self._open.append((name, begun, self._mark()))

    def settle(self) -> None:
        """Reports the stages that the device has finished. It does not wait for the others."""
        while self._open and self._open[0][2].query():
            name, begun, ended = self._open.pop(0)
            self._observer.seconds(name, begun.elapsed_time(ended) / 1e3)
