"""Prompts of the default rubric (METHOD.md, "Prompts"), for tests, comparisons and benchmarks.

The service does not use it: its clients send the prompts. `rubric.json` is written by a test of shared/rubric.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.protocol import Place, Query, Segment
from sidecar.tokens import MARK

_RUBRIC = json.loads((Path(__file__).parents[1] / "rubric.json").read_text(encoding="utf-8"))
CAPABILITIES: tuple[str, ...] = tuple(_RUBRIC["capabilities"])
STYLES: tuple[str, ...] = tuple(_RUBRIC["styles"])
DIGITS = tuple("012345")
STYLE_TOKENS = 64


def transcript(conversations: Sequence[Mapping[str, Any]]) -> str:
    """A sample's conversation as the released models were shown it, `<image>` for an image."""
    turns = []
    for k in range(0, len(conversations), 2):
        human = conversations[k]["value"]
        if not human.startswith(("<image>\nHint:", "Hint:")):
            # The reference strips a set of characters, and the released models were run with it.
            human = "Question: " + human.strip(_RUBRIC["prompts"]["trim"])
        answer = conversations[k + 1]["value"] if k + 1 < len(conversations) else ""
        turns.append(f"{human} Answer: {answer}")
    return "\n".join(turns)


def prefix(text: str) -> tuple[Segment, ...]:
    """A text as the prefix of an item: each `<image>` is the place of the next image."""
    first, *others = text.split(MARK)
    segments: list[Segment] = [first]
    for k, other in enumerate(others):
        segments += [Place(k), other]
    return tuple(segment for segment in segments if segment)


def scorer_text(capability: str) -> str:
    """What follows the transcript to have a capability rated."""
    return "\n" + _RUBRIC["prompts"]["scorer"].replace("{capability}", capability)


def styler_text() -> str:
    """What follows the transcript to have the styles named."""
    return "\n" + _RUBRIC["prompts"]["styler"].replace("{styles}", ", ".join(STYLES))


def queries(style_tokens: int = STYLE_TOKENS) -> tuple[Query, ...]:
    """The queries of a sample: every capability, then the style."""
    rated = (Query("scorer", scorer_text(capability), choices=DIGITS) for capability in CAPABILITIES)
    return (*rated, Query("styler", styler_text(), max_tokens=style_tokens))
