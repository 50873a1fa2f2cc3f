"""The lines of every step have the form of results.jsonl. Measured figures are kept if a step is stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sidecar.tests.conftest import SHARED, picture
from sidecar.tests.test_figures import recorded
from sidecar.tools import firstcontact
from sidecar.tools.firstcontact import Lines


def written(path: Path) -> list[dict[str, object]]:
    return [dict(line["figures"]) for line in recorded(path.read_text())]


def test_a_step_that_hangs_or_fails_keeps_its_lines_and_the_next_begins(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    lines = Lines(path, "H100", "0123abc", "firstcontact")

    def code(script: str) -> list[str]:
        head = f"import sys, time\nsys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        add = f"open({str(path)!r}, 'a').write({json.dumps(json.dumps(line))} + chr(10))\n"
        return [sys.executable, "-c", head + add + script]

    line = {"card": "H100", "date": "2026-11-29", "commit": "0123abc", "command": "c", "figures": {"rate": 11}}
    steps = [
        ("hangs", 2.0, code("time.sleep(60)")),
        ("fails", 60.0, code("sys.exit(3)")),
        ("ends", 60.0, code("")),
    ]
    assert firstcontact.run(steps, lines, 60) is False
    rate, hung, _, failed, _, ended = written(path)
    assert rate == {"rate": 11}
    assert hung["step"] == "hangs" and 2 <= float(str(hung["stopped after seconds"])) < 30
    assert failed["failed with"] == 3 and ended["step"] == "ends" and "seconds" in ended
    assert firstcontact.run(steps[2:], lines, 60) is True
    assert firstcontact.run(steps[2:], lines, 0) is False  # no time is left
    assert "stopped after seconds" in written(path)[-1]


@pytest.mark.parametrize("step", [step.name for step in firstcontact.STEPS])
def test_each_step_measures(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "That."}]
    (tmp_path / "data.json").write_text(json.dumps([{"image": "a.png", "conversations": turns}] * 2))
    lines = tmp_path / "lines.jsonl"
    options = {
        "--samples": tmp_path / "data.json",
        "--images": tmp_path,
        "--tokenizer": tiny,
        "--shape": "tiny",
        "--device": "cpu",
        "--dtype": "fp32",
        "--style-tokens": 3,
        "--selftest-samples": 1,
        "--limit": 2,
        "--commit": "0123abc",
        "--step": step,
    }
    arguments = [str(part) for pair in options.items() for part in pair]
    monkeypatch.setattr(sys, "argv", ["firstcontact", str(lines), *arguments])
    monkeypatch.setattr(firstcontact, "SIZES", (1, 2))
    assert firstcontact.main() == 0
    found = written(lines)
    assert found and all(figures["step"] == step for figures in found)
    assert capsys.readouterr().out.count("\n") == len(found)
    if step == "selftest":
        assert [figures["passed"] for figures in found] == [True, True]
    if step == "truth" and SHARED.is_dir():
        assert [(figures["digits"], figures["styles"], figures["samples"]) for figures in found[-1:]] == [(28, 2, 2)]
    if step == "bench":
        ours = [figures for figures in found if "useful TFLOP a sample" in figures]
        assert [figures["samples"] for figures in ours] == [1, 2]
        assert any(figures.get("way") == "the reference's" for figures in found)
