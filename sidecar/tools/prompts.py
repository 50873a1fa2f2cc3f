"""Prompts of the default rubric (shared/rubric), for tests, comparisons and benchmarks.

The service does not use this module: its clients send the prompts. A test of shared/rubric writes `rubric.json`.
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
    """Returns the conversation of a sample as one text, in the form that the released models expect.

    `<image>` marks the place of an image.
    """
    turns = []
    for k in range(0, len(conversations), 2):
        human = conversations[k]["value"]
        if not human.startswith(("<image>\nHint:", "Hint:")):
            # Like the reference code, this strips a set of characters, not a prefix. Other prompts give other ratings.
            human = "Question: " + human.strip(_RUBRIC["prompts"]["trim"])
        answer = conversations[k + 1]["value"] if k + 1 < len(conversations) else ""
        turns.append(f"{human} Answer: {answer}")
    return "\n".join(turns)


def prefix(text: str) -> tuple[Segment, ...]:
    """Converts a text to the prefix of an item: each `<image>` becomes the place of the next image."""
    first, *others = text.split(MARK)
    segments: list[Segment] = [first]
    for k, other in enumerate(others):
        segments += [Place(k), other]
    return tuple(segment for segment in segments if segment)


def scorer_text(capability: str) -> str:
    """Returns the text after the transcript that requests the rating of a capability."""
    return "\n" + _RUBRIC["prompts"]["scorer"].replace("{capability}", capability)


def styler_text() -> str:
    """Returns the text after the transcript that requests the names of the styles."""
    return "\n" + _RUBRIC["prompts"]["styler"].replace("{styles}", ", ".join(STYLES))


def queries(style_tokens: int = STYLE_TOKENS) -> tuple[Query, ...]:
    """Returns the queries of a sample: one for every capability, then one for the styles."""
    rated = (Query("scorer", scorer_text(capability), choices=DIGITS) for capability in CAPABILITIES)
    return (*rated, Query("styler", styler_text(), max_tokens=style_tokens))
