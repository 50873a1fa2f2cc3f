"""Prompts of the default rubric (METHOD.md, "Prompts"), for tests, comparisons and benchmarks.

The service does not use it: its clients send the prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.engine import Query

CAPABILITIES = (
    *("object spatial understanding", "attribute identification", "logical deduction", "scene understanding"),
    *("fine-grained recognition", "language generation", "in-context learning", "comparative analysis"),
    *("activity recognition", "causal reasoning", "humanities", "stem knowledge", "data understanding"),
    "optical character recognition",
)
STYLES = (
    *("multi-choice", "coordinate", "yes/no", "word/short-phrase", "short description", "detailed description"),
    *("comparison", "chain-of-thought (step-by-step)", "specified style"),
)
DIGITS = tuple("012345")
STYLE_TOKENS = 64
_QUESTION = "Question: "


def transcript(conversations: Sequence[Mapping[str, Any]]) -> str:
    """A sample's conversation as the released models were shown it."""
    turns = []
    for k in range(0, len(conversations), 2):
        human = conversations[k]["value"]
        if not human.startswith(("<image>\nHint:", "Hint:")):
            # The reference strips a set of characters, and the released models were run with it.
            human = _QUESTION + human.strip(_QUESTION)
        answer = conversations[k + 1]["value"] if k + 1 < len(conversations) else ""
        turns.append(f"{human} Answer: {answer}")
    return "\n".join(turns)


def scorer_text(capability: str) -> str:
    """What follows the transcript to have a capability rated."""
    return (
        "\nOn a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training"
        f" a Multimodal Large Language Model for {capability}?"
    )


def styler_text() -> str:
    """What follows the transcript to have the styles named."""
    return f"\nInteraction style candidates: [{', '.join(STYLES)}]\nStyles: "


def queries(capabilities: Sequence[str] = CAPABILITIES, style_tokens: int = STYLE_TOKENS) -> tuple[Query, ...]:
    """The queries of a sample: every capability, then the style."""
    rated = (Query("scorer", scorer_text(capability), choices=DIGITS) for capability in capabilities)
    return (*rated, Query("styler", styler_text(), max_tokens=style_tokens))
