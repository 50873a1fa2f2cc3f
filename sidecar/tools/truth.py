"""What the reference code itself answered: a checkpoint, samples, and true logits and tokens, in a folder.

The folder holds `checkpoint/`, `images/` and `expected.json`. This repository does not hold one.
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
    """A sample and what is true of it.

    Per scorer prompt the digits' logits, the argmax and logsumexp; greedy style tokens.
    """

    item: Item
    pixels: tuple[Pixels, ...]
    digits: torch.Tensor
    argmax: tuple[int, ...]
    logsumexp: torch.Tensor
    greedy: tuple[int, ...]


@dataclass(frozen=True)
class Agreement:
    """Answers that equal the truth, of how many; `largest` is the largest difference of a log-probability."""

    digits: int
    argmaxes: int
    ratings: int
    styles: int
    samples: int
    largest: float


def read(folder: Path) -> list[Sample]:
    """The samples of a folder of truth."""
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
    """Compare answers to the samples with the truth."""
    digits = argmaxes = ratings = styles = 0
    largest = 0.0
    for sample, outcome in zip(samples, outcomes, strict=True):
        if isinstance(outcome, Fault):
            raise RuntimeError(f"a sample of the truth failed: {outcome.detail}")
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
