"""Checks if a fast path may be used on this device: it must decode the same tokens as the slow path, and not be slower.

A fast path may be wrong or slower on a device on which it has never run. So after loading, both paths decode the same
prompts. A fast path that raises an error, gives other tokens or takes longer is not used.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np

from sidecar.checkpoint import Generation
from sidecar.generate import generate, rows_of
from sidecar.images import SIDE, Pixels
from sidecar.memory import device_lost
from sidecar.model import Model
from sidecar.observer import Observer
from sidecar.packing import Ids, bins, expand, pack, tree
from sidecar.tokens import Tokens

log = logging.getLogger(__name__)

PROMPTS = 16
EVERY = 4
"""Every fourth prompt has an image."""
LENGTH = 8
"""Tokens that are decoded after each prompt."""
TOLERANCE = {"fp32": 1e-3, "fp16": 0.1, "bf16": 0.5}
"""The largest difference of two log-probabilities that counts as rounding, by the type of the computation."""
TEXT = "a red boat sails past the old harbour while seven gulls follow it and nobody counts them "

Reason = Literal["error", "unequal", "slower"]
Clock = Callable[[], float]
Decoded = list[tuple[int, ...]]
T = TypeVar("T")


def refusal(
    fast: Callable[[], T], slow: Callable[[], T], same: Callable[[T, T], bool], clock: Clock = time.perf_counter
) -> Reason | None:
    """Returns the reason why a fast path must not be used; None if it may be used. `same` compares the results of both
    paths.

    Each path runs twice, and the second run is timed. Raises RuntimeError if the fast path has lost the device.
    """
    expected, allowed = _timed(slow, clock)
    try:
        got, seconds = _timed(fast, clock)
        if not same(got, expected):
            return "unequal"
    except Exception as error:
        if device_lost(error):
            raise RuntimeError("the GPU failed in a fast path: start with SIDECAR_FAST=off") from error
        log.warning("a fast path raised an error", exc_info=True)
        return "error"
    return "slower" if seconds > allowed else None


def _timed(run: Callable[[], T], clock: Clock) -> tuple[T, float]:
    run()
    begun = clock()
    value = run()
    return value, clock() - begun


class Prompts:
    """The prompts that both paths decode. They are the same on every device."""

    def __init__(self, model: Model, tokens: Tokens, budget: int, tolerance: float, count: int) -> None:
        self._model = model
        self._tolerance = tolerance
        self._budget = budget
        texts = [(TEXT * 4)[7 * k : 30 + 20 * k] for k in range(count)]
        self._pictures = [_picture(k) if k % EVERY == 0 else None for k in range(count)]
        pieces = [
            [f"Question {k}: {text}"] if picture is None else ["Question: ", f"\n{text}"]
            for k, (text, picture) in enumerate(zip(texts, self._pictures, strict=True))
        ]
        self._ids = [expand(prompt, model.features_per_image) for prompt in tokens.prompts(pieces)]

    def decode(self) -> Decoded:
        """Returns the tokens after each prompt, decoded with the paths that the model uses now."""
        made: dict[int, tuple[int, ...]] = {}
        for group in bins([len(ids) for ids in self._ids], self._budget):
            trees = [tree([self._ids[k]]) for k in group]
            pictures = [self._pictures[k] for k in group]
            packed = pack(
                trees,
                [int(picture is not None) for picture in pictures],
                self._model.features_per_image,
                self._model.lengths,
            )
            features = self._model.features([picture for picture in pictures if picture is not None])
            prefilled = self._model.prefill(packed, features, keep=True)
            rows = rows_of(self._model, packed, prefilled, [[LENGTH]] * len(group))
            # There is no penalty and no end token, so each token is the most likely one.
            continued = generate(self._model, rows, Generation(1.0, frozenset()), Observer())
            made |= {k: one.tokens for k, one in zip(group, continued, strict=True)}
        return [made[k] for k in range(len(self._ids))]

    def same(self, got: Decoded, expected: Decoded) -> bool:
        """Returns whether tokens equal the slow path's tokens, or each is the most likely token within rounding.

        The model must use the slow path during the call.
        """
        return all(
            one == other or self._likely(k, one) for k, (one, other) in enumerate(zip(got, expected, strict=True))
        )

    def _likely(self, k: int, made: Sequence[int]) -> bool:
        ids, picture = self._ids[k], self._pictures[k]
        begun: list[Ids] = [np.concatenate([ids, np.array(made[:n], dtype=np.int64)]) for n in range(len(made))]
        packed = pack([tree(begun)], [int(picture is not None)], self._model.features_per_image, self._model.lengths)
        logits = self._model.prefill(packed, self._model.features([] if picture is None else [picture])).logits
        behind = [float(row.max() - row[token]) for row, token in zip(logits, made, strict=True)]
        return all(gap <= self._tolerance for gap in behind)


def _picture(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
