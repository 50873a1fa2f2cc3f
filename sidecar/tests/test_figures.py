"""Each figure of a GPU on a page is in results.jsonl, or the page calls the figure predicted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "sidecar" / "results.jsonl"
CARD = re.compile(r"\b(?:[AH][12]00|L4|L40S?|RTX PRO \d+|B[12]00)\b")
FIGURE = re.compile(
    r"\d[\d,.]* ?(?:samples|tokens|TFLOP|ms|s) ?(?:/s\b|a second|a sample|an hour)"
    r"|rates? some [\d,]+|\d[\d,.]* GPU.hours(?! within)|\d+ % of (?:its |the )?peak|= [\d,.]+ h\b"
)
FIELDS = ("card", "date", "commit", "command", "figures")


def recorded(lines: str) -> list[dict[str, object]]:
    """Returns the lines of results.jsonl. Raises AssertionError if a line lacks a field."""
    results = [json.loads(line) for line in lines.splitlines()]
    for result in results:
        assert all(result.get(field) for field in FIELDS), result
    return results


def unmarked(page: str, results: list[dict[str, object]]) -> list[str]:
    """Returns the sections of a page that have a figure of a GPU which is neither called predicted nor recorded."""
    found = []
    for section in re.split(r"(?m)^#+ ", page):
        if not (CARD.search(section) and FIGURE.search(section)) or "predicted" in section.lower():
            continue
        if not any(str(r["card"]) in section and str(r["commit"]) in section for r in results):
            found.append(section[:200])
    return found


def pages() -> list[Path]:
    """Returns all pages of the repository, except pages in virtual environments and caches."""
    return [path for path in ROOT.rglob("*.md") if not any(p.startswith(".") for p in path.relative_to(ROOT).parts)]


def test_figures_of_gpus_are_predicted_or_recorded() -> None:
    results = recorded(RESULTS.read_text(encoding="utf-8"))
    wrong = {str(p.relative_to(ROOT)): found for p in pages() if (found := unmarked(p.read_text("utf-8"), results))}
    assert not wrong, "write that the figure is predicted, or name card and commit of a line in sidecar/results.jsonl"


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("# A\nAn H100 rates 11 samples a second.", 1),
        ("# A\nAn H100 rates 11 samples a second, predicted.", 0),
        ("# A\nAn H100 rates 11 samples a second.\n# B\nThis is predicted.", 1),
        ("# A\nAn H100 rates 11 samples a second (commit 0123abc).", 0),
        ("# A\nAn L4 rates 2 samples a second (commit 0123abc).", 1),
        ("# A\nAn H100 has 80 GB.", 0),
        ("# A\nTwo cores rate 11 samples a second.", 0),
    ],
)
def test_unrecorded_figures_are_found(page: str, wrong: int) -> None:
    line = {"card": "H100", "date": "2026-11-29", "commit": "0123abc", "command": "bench", "figures": {"rate": 11}}
    assert len(unmarked(page, recorded(json.dumps(line)))) == wrong


def test_a_line_without_its_commit_is_refused() -> None:
    with pytest.raises(AssertionError):
        recorded('{"card": "H100", "date": "2026-11-29", "command": "bench", "figures": {"rate": 11}}')
