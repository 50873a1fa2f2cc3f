"""The self-test passes if both ways agree, and fails if one is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar.config import EngineConfig
from sidecar.model import Model
from sidecar.startup import load_all
from sidecar.tools import selftest


@pytest.mark.parametrize("name", ["scorer", "styler"])
def test_both_ways_agree(tiny: Path, name: str) -> None:
    config = EngineConfig({name: tiny}, device="cpu", dtype="fp32")
    verdict = selftest.check(name, load_all(config)[name], config, count=2, style_tokens=4)
    assert verdict.passed, verdict
    assert verdict.answers == (28 if name == "scorer" else 2)
    assert verdict.largest < 1e-3


def test_a_difference_is_found(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    original = Model.prefill

    def off(self: Model, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        result.logits[:, 15] += 3
        return result

    monkeypatch.setattr(Model, "prefill", off)
    arguments = ["selftest", "--scorer", str(tiny), "--device", "cpu", "--dtype", "fp32", "--samples", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert selftest.main() == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False
