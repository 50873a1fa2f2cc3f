"""`python -m sidecar.tools.compare BASE CANDIDATE` checks if the candidate's ratings may replace the base's ratings.

The candidate passes if, on your samples, at least 99 % of the digits (for a styler, of the sets of styles) are equal,
and expected scores differ by less than 0.02 on average. Use an fp8 checkpoint only after it has passed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.config import EngineConfig
from sidecar.engine import Engine
from sidecar.protocol import Choice, Fault, Item, ItemAnswers
from sidecar.runner import device_of
from sidecar.tools import prompts, samples
from sidecar.warmup import free

EQUAL = 0.99
DIFFERENCE = 0.02


@dataclass(frozen=True)
class Verdict:
    """The agreement of two sets of answers."""

    answers: int
    """Number of compared answers."""
    equal: float
    """Share of equal answers, 0 to 1."""
    difference: float
    """Mean absolute difference of the expected scores; 0 for a styler."""

    @property
    def passed(self) -> bool:
        return self.answers > 0 and self.equal >= EQUAL and self.difference < DIFFERENCE


def compare(base: Sequence[ItemAnswers | Fault], candidate: Sequence[ItemAnswers | Fault]) -> Verdict:
    """Compares two sets of answers to the same items.

    An item that failed in both is left out. An item that failed in one counts as one unequal answer.
    """
    equal: list[bool] = []
    differences: list[float] = []
    for old, new in zip(base, candidate, strict=True):
        if isinstance(old, Fault) or isinstance(new, Fault):
            if not (isinstance(old, Fault) and isinstance(new, Fault)):
                equal.append(False)
            continue
        for one, other in zip(old.answers, new.answers, strict=True):
            if isinstance(one, Choice) and isinstance(other, Choice):
                equal.append(_digit(one) == _digit(other))
                differences.append(abs(expected(one) - expected(other)))
            else:
                equal.append(_styles(one.text) == _styles(other.text))
    mean = math.fsum(differences) / len(differences) if differences else 0.0
    return Verdict(len(equal), sum(equal) / max(len(equal), 1), mean)


def expected(choice: Choice) -> float:
    """Returns the mean of the distribution over the digits 0-5, from their log-probabilities."""
    weights = [math.exp(logprob - max(choice.logprobs)) for logprob in choice.logprobs]
    return math.fsum(digit * weight for digit, weight in enumerate(weights)) / math.fsum(weights)


def _digit(choice: Choice) -> int:
    return max(range(len(choice.logprobs)), key=lambda k: choice.logprobs[k])


def _styles(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(","))


def answers(model: str, directory: Path, items: Sequence[Item], config: EngineConfig) -> list[ItemAnswers | Fault]:
    """Returns the answers of one checkpoint, and frees it, so that the device needs memory for only one."""
    engine = Engine.load(EngineConfig(**{**vars(config), "directories": {model: directory}}))
    results = [outcome for k in range(0, len(items), 64) for outcome in engine.run(items[k : k + 64])]
    del engine
    free(device_of(config))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="compare the answers of two checkpoints on your samples")
    parser.add_argument("base", type=Path)
    parser.add_argument("candidate", type=Path)
    parser.add_argument("--samples", type=Path, required=True, help="LLaVA-form JSON or JSON lines")
    parser.add_argument("--images", type=Path, required=True, help="folder that the samples' images are relative to")
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--model", choices=("scorer", "styler"), default="scorer")
    parser.add_argument("--dtype", choices=("fp16", "bf16", "fp32"), default="fp16")
    args = parser.parse_args()
    asked = [query for query in prompts.queries() if query.model == args.model]
    items = samples.items(args.samples, args.images, asked, args.limit)
    config = EngineConfig({}, dtype=args.dtype)
    verdict = compare(*(answers(args.model, path, items, config) for path in (args.base, args.candidate)))
    print(f"{verdict.answers} answers: {verdict.equal:.2%} equal ({EQUAL:.0%} required)", end="")
    print(f", mean difference of expected scores {verdict.difference:.4f} (less than {DIFFERENCE} required)")
    print("passed" if verdict.passed else "FAILED")
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
