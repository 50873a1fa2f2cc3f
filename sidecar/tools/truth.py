"""Reads a folder with a checkpoint, samples, and the logits and tokens that the reference code gives for them.

The folder has `checkpoint/`, `images/` and `expected.json`. It is not part of this repository.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sidecar.images import Pixels, decode
from sidecar.protocol import Choice, Fault, Item, ItemAnswers, Text
from sidecar.tokens import Tokens
from sidecar.tools import prompts

STYLE_TOKENS = 24
LIMIT = 1 << 30


@dataclass(frozen=True)
class Sample:
    """A sample and the reference code's answers to it."""

    item: Item
    pixels: tuple[Pixels, ...]
    digits: torch.Tensor
    """Logits of the digits: a row for each scorer prompt."""
    argmax: tuple[int, ...]
    """The most likely token of each scorer prompt."""
    logsumexp: torch.Tensor
    """The logsumexp of the logits of each scorer prompt."""
    greedy: tuple[int, ...]
    """Greedy tokens of the styler prompt."""


@dataclass(frozen=True)
class Agreement:
    """The agreement of the engine's answers with the reference code's answers."""

    digits: int
    """Ratings whose most likely digit is equal."""
    argmaxes: int
    """Ratings whose most likely token is equal."""
    ratings: int
    """Number of compared ratings."""
    styles: int
    """Samples whose styles are equal."""
    samples: int
    """Number of compared samples."""
    largest: float
    """Largest difference of a log-probability."""


def read(folder: Path) -> list[Sample]:
    """Reads the samples of a folder and the reference code's answers to them."""
    samples = []
    for record in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        data = (folder / "images" / record["image"]).read_bytes()
        prefix = prompts.prefix(prompts.transcript(record["conversations"]))
        pixels = decode(data, LIMIT)
        if not isinstance(pixels, np.ndarray):
            raise ValueError(f"reading {folder / 'images' / record['image']}: {pixels.detail}")
        *rated, styled = record["prompts"]
        samples.append(
            Sample(
                item=Item((data,), prefix, prompts.queries(STYLE_TOKENS)),
                pixels=(pixels,),
                digits=torch.tensor([p["digit_logits"] for p in rated]),
                argmax=tuple(p["argmax"] for p in rated),
                logsumexp=torch.tensor([p["logsumexp"] for p in rated]),
                greedy=tuple(styled["greedy"]),
            )
        )
    return samples


def agreement(samples: list[Sample], outcomes: list[ItemAnswers | Fault], tokens: Tokens) -> Agreement:
    """Compares answers to the samples with the reference code's answers."""
    digits = argmaxes = ratings = styles = 0
    largest = 0.0
    for sample, outcome in zip(samples, outcomes, strict=True):
        if isinstance(outcome, Fault):
            raise RuntimeError(f"a sample of the folder --truth failed: {outcome.detail}")
        true = (sample.digits - sample.logsumexp[:, None]).tolist()
        for k, answer in enumerate(outcome.answers):
            if isinstance(answer, Text):
                styles += answer.text == tokens.text(list(sample.greedy))
                continue
            assert isinstance(answer, Choice)
            ratings += 1
            digits += int(np.argmax(true[k]) == np.argmax(answer.logprobs))
            argmaxes += answer.argmax_id == sample.argmax[k]
            largest = max(largest, *(abs(a - b) for a, b in zip(true[k], answer.logprobs, strict=True)))
    return Agreement(digits, argmaxes, ratings, styles, len(samples), round(largest, 6))
