"""While a model is compiled, the weights of the next model are read. Fast paths are timed while nothing else runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from sidecar import checkpoint, startup
from sidecar.config import EngineConfig
from sidecar.warmup import WarmUp

SECONDS = 60


def test_the_second_model_is_read_while_the_first_is_compiled(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    second, load = threading.Event(), startup._read

    def read(*args: Any) -> Any:
        if "read" in events:
            second.set()
        events.append("read")
        return load(*args)

    def compiling(self: WarmUp) -> None:
        # If the second model were read after the compilation, this would wait forever.
        assert second.wait(SECONDS)
        events.append("compile")

    monkeypatch.setattr(startup, "_read", read)
    monkeypatch.setattr(WarmUp, "compile", compiling)
    monkeypatch.setattr(WarmUp, "prove", lambda self: events.append("prove"))
    runners = startup.load_all(EngineConfig({"scorer": tiny, "styler": tiny}, device="cpu", dtype="fp32"))
    assert list(runners) == ["scorer", "styler"] and len({runner.identity for runner in runners.values()}) == 1
    assert events == ["read", "read", "compile", "compile", "prove", "prove"]


def test_a_checkpoint_that_cannot_be_loaded_ends_the_start(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    config = EngineConfig({"scorer": tmp_path, "styler": tiny}, device="cpu", dtype="fp32")
    with pytest.raises(checkpoint.CheckpointError, match="does not describe a released checkpoint"):
        startup.load_all(config)


def test_the_bytes_of_weights_on_the_device_are_known_before_loading(tiny: Path) -> None:
    for dtype in (torch.float32, torch.float16):
        network = checkpoint.load(tiny, "cpu", dtype)
        taken = sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
        assert checkpoint.device_bytes(tiny, dtype) == taken
