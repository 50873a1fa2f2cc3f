"""Tests the comparison of a candidate's ratings with the base's ratings."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sidecar.protocol import Choice, Fault, ItemAnswers, Text
from sidecar.tests.conftest import picture
from sidecar.tools import compare, prompts
from sidecar.tools.compare import Verdict, expected
from sidecar.tools.quantize import quantize


def choice(*weights: float) -> Choice:
    return Choice(tuple(map(math.log, weights)), 1.0, "", 0)


SURE = choice(0.01, 0.01, 0.01, 0.01, 0.95, 0.01)
OTHER = choice(0.01, 0.01, 0.01, 0.95, 0.01, 0.01)


def test_expected_score() -> None:
    assert expected(choice(1, 1, 1, 1, 1, 1)) == pytest.approx(2.5)
    assert expected(choice(1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 0.1)) == pytest.approx(5, abs=1e-6)


@pytest.mark.parametrize(
    ("verdict", "passed"),
    [
        (Verdict(1000, 0.99, 0.0199), True),
        (Verdict(1000, 0.9899, 0.0), False),
        (Verdict(1000, 1.0, 0.02), False),
        (Verdict(0, 0.0, 0.0), False),
    ],
)
def test_thresholds(verdict: Verdict, passed: bool) -> None:
    assert verdict.passed is passed


def test_compare_counts_digits_styles_and_failures() -> None:
    both, failed = ItemAnswers((SURE, Text("yes/no, comparison", False)), ()), Fault("image_undecodable", "")
    turned = ItemAnswers((OTHER, Text("comparison,yes/no ", False)), ())
    assert compare.compare([both], [both]) == Verdict(2, 1.0, 0.0)
    got = compare.compare([both, failed, both], [turned, failed, failed])
    assert (got.answers, got.equal) == (3, pytest.approx(1 / 3))
    assert got.difference == pytest.approx(expected(SURE) - expected(OTHER))


def test_the_command_runs_on_a_users_samples(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "That."}]
    records = [{"image": "a.png", "conversations": turns}, {"conversations": turns[1:]}]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, records)))
    quantize(tiny, tmp_path / "fp8")
    options = ["--samples", str(tmp_path / "data.jsonl"), "--images", str(tmp_path)]

    def run(base: Path, candidate: Path, *more: str) -> int:
        monkeypatch.setattr("sys.argv", ["compare", str(base), str(candidate), *options, *more])
        return compare.main()

    assert run(tiny, tiny) == 0
    assert f"{len(prompts.CAPABILITIES)} answers: 100.00% equal" in capsys.readouterr().out
    assert run(tiny, tmp_path / "fp8") == 1, "random weights must fail in fp8"
    assert "FAILED" in capsys.readouterr().out
    assert run(tiny, tiny, "--model", "styler") == 0
