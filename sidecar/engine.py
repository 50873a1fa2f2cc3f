"""The engine: items in, answers out. It knows models and queries, and nothing of capabilities or HTTP.

Importing this module is cheap; torch and the models come with `Engine.load`, so that a service can answer its probes
while they load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sidecar.images import Decoder
    from sidecar.runner import Runner

ModelName = Literal["scorer", "styler"]
OFF_REFERENCE = "off_reference"


@dataclass(frozen=True)
class Query:
    """One question about an item: the prompt is the item's prefix and this text, tokenised whole.

    Exactly one of `choices` (single tokens each) and `max_tokens` (of greedy text) is given.
    """

    model: ModelName
    text: str
    choices: tuple[str, ...] | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class Item:
    """A sample: its images as encoded bytes, what its prompts begin with, and what is asked about it."""

    images: tuple[bytes, ...]
    prefix: str
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Choice:
    """Natural log-probabilities of the choices over the full vocabulary, in their order; `mass` is their total
    probability, `argmax` the likeliest token of the full vocabulary."""

    logprobs: tuple[float, ...]
    mass: float
    argmax: str
    argmax_id: int


@dataclass(frozen=True)
class Text:
    """Greedy text; `truncated` when max_tokens came before the end of sequence."""

    text: str
    truncated: bool


@dataclass(frozen=True)
class Answered:
    """One answer per query, in order. The flag `off_reference` tells that the reference code has no such sample:
    special-token text, no image, or several."""

    answers: tuple[Choice | Text, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """A fault of this item alone: image_undecodable, image_too_large, image_count, prompt_too_long,
    choice_not_a_token, no_such_model, bad_query."""

    code: str
    detail: str


class Observer(Protocol):
    """Is told what is computed, as it happens; `sidecar.metrics` and `sidecar.bench` are such."""

    def samples(self, count: int) -> None:
        """Samples answered."""

    def tokens(self, stage: str, count: int) -> None:
        """Positions computed, padding counted; `stage` is vision, prefill or styler (decoding)."""

    def shared(self, count: int) -> None:
        """Positions that separate passes would have computed and sharing a prefix did not."""

    def packed(self, fill: float) -> None:
        """Share of a pack's positions that hold tokens."""

    def seconds(self, stage: str, seconds: float) -> None:
        """Seconds spent; decode counts the pool's threads, idle the waiting for them; the rest as in `tokens`."""

    def split(self) -> None:
        """A pack was split because the device's memory ran out."""


class Silent:
    """An observer that nobody reads."""

    def samples(self, count: int) -> None: ...

    def tokens(self, stage: str, count: int) -> None: ...

    def shared(self, count: int) -> None: ...

    def packed(self, fill: float) -> None: ...

    def seconds(self, stage: str, seconds: float) -> None: ...

    def split(self) -> None: ...


@dataclass(frozen=True)
class EngineConfig:
    """What an engine is loaded with."""

    directories: Mapping[str, Path]
    """Directory of each model, in the released form or as `sidecar.quantize` writes it."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["fp16", "bf16", "fp32"] = "fp16"
    pack_tokens: int = 16384
    """Positions of one pass at most. It bounds the activations' memory."""
    prompt_tokens: int = 8192
    """Positions of one prompt at most, an image counting as 730; a longer one fails its item."""
    pixels: int = 100_000_000
    """Pixels of one image at most, told by its header before it is decoded."""
    kv_bytes: int = 2 << 30
    """Bytes of keys and values held for the rows that are being decoded."""
    threads: int = 4
    """Threads that decode and resize images."""
    observer: Observer = field(default_factory=Silent)

    def __post_init__(self) -> None:
        if self.prompt_tokens > self.pack_tokens:
            raise ValueError(
                f"a prompt may have {self.prompt_tokens} tokens and a pack {self.pack_tokens}: allow longer packs or shorter prompts"
            )


class Engine:
    """Answers items with the loaded models. Not thread-safe: one thread owns it."""

    def __init__(self, runners: Mapping[str, Runner], decoder: Decoder, observer: Observer) -> None:
        self._runners = dict(runners)
        self._decoder = decoder
        self._observer = observer

    @classmethod
    def load(cls, config: EngineConfig) -> Engine:
        """Load the models, and on a GPU compile and warm up every pack length. Raises CheckpointError."""
        from sidecar.images import Decoder
        from sidecar.runner import Runner

        decoder = Decoder(config.threads, config.pixels, config.observer)
        runners = {name: Runner.load(path, config) for name, path in sorted(config.directories.items())}
        return cls(runners, decoder, config.observer)

    def models(self) -> dict[str, str]:
        """Id of each loaded model: changes with all that can change an answer."""
        return {name: runner.identity for name, runner in self._runners.items()}

    def run(self, items: Sequence[Item]) -> list[Answered | Failed]:
        """Answer every item, in order. What an item is answered depends on it alone, within numeric tolerance."""
        failed: dict[int, Failed] = {}
        jobs = {name: runner.prepare(items, name, failed) for name, runner in self._runners.items()}
        for k, item in enumerate(items):
            missing = sorted({query.model for query in item.queries} - self._runners.keys())
            if missing:
                failed[k] = Failed(
                    "no_such_model", f"{', '.join(missing)} is not loaded here, only {', '.join(self._runners)}"
                )
        pictures = self._decoder.start({k: item.images for k, item in enumerate(items) if k not in failed})
        answers: dict[tuple[int, int], Choice | Text] = {}
        try:
            for name, runner in self._runners.items():
                sound = [job for job in jobs[name] if job.item not in failed]
                answers |= runner.run(sound, pictures, failed)
            # An item that asks nothing has nothing that would wait for its images.
            for k in range(len(items)):
                if k not in failed and isinstance(fault := pictures.of(k), Failed):
                    failed[k] = fault
        finally:
            pictures.drop()
        self._observer.samples(len(items) - len(failed))
        return [failed[k] if k in failed else self._answered(k, item, answers) for k, item in enumerate(items)]

    def _answered(self, k: int, item: Item, answers: Mapping[tuple[int, int], Choice | Text]) -> Answered:
        texts = [item.prefix, *(query.text for query in item.queries)]
        special = any(runner.tokens.names_special(text) for runner in self._runners.values() for text in texts)
        flags = (OFF_REFERENCE,) if special or len(item.images) != 1 else ()
        return Answered(tuple(answers[k, q] for q in range(len(item.queries))), flags)
