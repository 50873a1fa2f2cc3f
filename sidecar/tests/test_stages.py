"""The device's clock measures the seconds of stages, and the measurement does not wait for the device."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sidecar.stages import Stages
from sidecar.tools.bench import CountingObserver


@dataclass
class Device:
    """A device whose clock the test sets. `queued` and `done` are seconds of work."""

    queued: int = 0
    done: int = 0

    def mark(self) -> FakeMark:
        return FakeMark(self, self.queued)


@dataclass
class FakeMark:
    device: Device
    at: int

    def query(self) -> bool:
        return self.device.done >= self.at

    def elapsed_time(self, later: FakeMark) -> float:
        assert self.query() and later.query(), "a mark was read before the device had passed it"
        return 1e3 * (later.at - self.at)


def test_a_stage_is_reported_after_the_device_has_finished_it() -> None:
    device, observer = Device(), CountingObserver()
    stages = Stages(device.mark, observer)
    for name, work in (("vision", 1), ("prefill", 3), ("vision", 1)):
        with stages.stage(name):
            device.queued += work
    stages.settle()
    assert observer.spent == {}
    device.done = 4
    stages.settle()
    assert observer.spent == {"vision": 1.0, "prefill": 3.0}
    device.done = 5
    stages.settle()
    stages.settle()
    assert observer.spent == {"vision": 2.0, "prefill": 3.0}


def test_a_stage_that_raises_is_not_reported() -> None:
    device, observer = Device(), CountingObserver()
    stages = Stages(device.mark, observer)
    with pytest.raises(RuntimeError), stages.stage("prefill"):
        raise RuntimeError
    stages.settle()
    assert observer.spent == {}
