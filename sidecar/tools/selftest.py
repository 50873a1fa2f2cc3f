"""`python -m sidecar.tools.selftest` checks that the engine gives the reference code's answers on this machine.

Sixteen generated samples are answered twice with the same weights: packed, as in the service, and then prompt by prompt
with transformers' own classes. The exit code is 1 if an answer differs by more than the rounding of the type, or
if a fast path failed its check when the model was loaded.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sidecar.config import EngineConfig
from sidecar.engine import Engine
from sidecar.images import Decoder, decode
from sidecar.proof import TEXT, TOLERANCE
from sidecar.protocol import Fault, Item, ItemAnswers, Query, Text
from sidecar.runner import Runner
from sidecar.startup import load_all
from sidecar.tools import prompts
from sidecar.tools.reference import Reference

SAMPLES = 16
PIXELS = 1 << 24


@dataclass(frozen=True)
class Verdict:
    """The result of the self-test of one model."""

    model: str
    answers: int
    """Number of compared answers."""
    different: int
    """Number of answers that differ."""
    largest: float
    """Largest difference of log-probabilities."""
    packed_seconds: float
    stock_seconds: float
    """Seconds with transformers' own classes."""
    taken: tuple[str, ...]
    """Fast paths in use."""
    refused: dict[str, str]
    """Fast paths that failed their check, with the reason."""

    @property
    def passed(self) -> bool:
        return self.answers > 0 and self.different == 0 and not self.refused


def items(queries: Sequence[Query], count: int = SAMPLES) -> list[Item]:
    """Generates samples. Their images have different sizes, and their conversations have different lengths."""
    rng = np.random.default_rng(1)
    made = []
    for k in range(count):
        picture = io.BytesIO()
        pixels = rng.integers(0, 256, (40 + 8 * k, 300 - 9 * k, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(picture, "PNG")
        text = (TEXT * 6)[7 * k : 20 + 37 * k]
        turns = [{"value": f"<image>\nWhat is in picture {k}?"}, {"value": f"It shows {text}."}]
        made.append(Item((picture.getvalue(),), prompts.prefix(prompts.transcript(turns)), tuple(queries)))
    return made


def check(name: str, runner: Runner, config: EngineConfig, count: int = SAMPLES, style_tokens: int = 16) -> Verdict:
    """Answers the samples in both ways with one model, and compares the answers."""
    queries = [query for query in prompts.queries(style_tokens) if query.model == name]
    samples = items(queries, count)
    engine = Engine({name: runner}, Decoder(config.threads, config.limits.pixels, config.observer), config.observer)
    begun = time.perf_counter()
    packed = engine.run(samples)
    packed_seconds = time.perf_counter() - begun
    reference = Reference(runner.model.network, runner.generation)
    different, largest, answers = 0, 0.0, 0
    begun = time.perf_counter()
    for item, answered in zip(samples, packed, strict=True):
        if isinstance(answered, Fault):
            raise RuntimeError(f"a generated sample failed: {answered.detail}")
        for same, distance in _stock(reference, runner, item, answered, TOLERANCE[config.dtype]):
            answers += 1
            different += not same
            largest = max(largest, distance)
    stock_seconds = time.perf_counter() - begun
    paths = (runner.model.fast_paths, dict(runner.refused))
    return Verdict(name, answers, different, largest, packed_seconds, stock_seconds, *paths)


def _stock(
    reference: Reference, runner: Runner, item: Item, answered: ItemAnswers, tolerance: float
) -> list[tuple[bool, float]]:
    """Compares each answer with the answer of transformers' classes. Returns whether they are equal, and the largest
    difference of log-probabilities."""
    images = [pixels for data in item.images if not isinstance(pixels := decode(data, PIXELS), Fault)]
    compared = []
    for query, prompt, answer in zip(
        item.queries, runner.tokens.prompts(item.prompts(item.queries)), answered.answers, strict=True
    ):
        if isinstance(answer, Text):
            made = reference.generate(prompt, images, query.max_tokens or 1)
            compared.append((runner.tokens.text(made) == answer.text, 0.0))
            continue
        logprobs = torch.log_softmax(reference.logits(prompt, images), dim=-1)
        ids = [runner.tokens.choice(text) for text in query.choices or ()]
        distance = max(
            abs(float(logprobs[token]) - got)
            for token, got in zip(ids, answer.logprobs, strict=True)
            if token is not None
        )
        # If two tokens are equally likely within rounding, either may be the most likely one.
        behind = float(logprobs.max() - logprobs[answer.argmax_id])
        compared.append((distance <= tolerance and behind <= tolerance, distance))
    return compared


def main() -> int:
    """Prints one JSON object for each model. Returns 0 if all answers are equal, else 1."""
    parser = argparse.ArgumentParser(description="compare packed answers with the reference code's on this machine")
    parser.add_argument("--scorer", type=Path, help="directory of the scorer's checkpoint")
    parser.add_argument("--styler", type=Path, help="directory of the styler's checkpoint")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--dtype", choices=sorted(TOLERANCE), default="fp16")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    args = parser.parse_args()
    directories = {name: path for name in ("scorer", "styler") if (path := getattr(args, name)) is not None}
    if not directories:
        parser.error("give --scorer, --styler or both")
    passed = True
    for name, directory in directories.items():
        config = EngineConfig({name: directory}, device=args.device, dtype=args.dtype)
        verdict = check(name, load_all(config)[name], config, args.samples)
        print(json.dumps(asdict(verdict) | {"passed": verdict.passed}))
        passed = passed and verdict.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
