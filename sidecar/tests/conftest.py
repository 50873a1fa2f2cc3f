"""Fixtures: a tiny random checkpoint, and the reference code's answers, if `../shared/sidecar` has them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sidecar import checkpoint
from sidecar.config import EngineConfig
from sidecar.engine import Engine
from sidecar.images import decode
from sidecar.model import Model
from sidecar.protocol import Item
from sidecar.tokens import Tokens
from sidecar.tools import prompts, synthetic, truth
from sidecar.tools.reference import Reference
from sidecar.tools.truth import LIMIT, Sample

torch.set_num_threads(2)

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@dataclass(frozen=True)
class Truth:
    """A checkpoint, samples, and answers that other code than the code under test computed."""

    directory: Path
    samples: tuple[Sample, ...]
    style_tokens: int

    def model(self, dtype: torch.dtype = torch.float32, **options: Any) -> Model:
        network = checkpoint.load(self.directory, "cpu", dtype)
        return Model(network, **{"flex": False, "compiled": None, **options})

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.directory)

    @property
    def digits(self) -> list[int]:
        return [token for text in prompts.DIGITS if (token := self.tokens.choice(text)) is not None]


def picture(seed: int, width: int = 90, height: int = 60) -> bytes:
    """Returns a PNG image with large patches of random colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((width, height), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


CONVERSATIONS = (
    ("<image>\nWhat is shown here?", "A red bird on a branch."),
    ("<image>\nHint: look at the axes.\nQuestion: Which year is highest?", "2018."),
    ("<image>\nDescribe it.", "1. One line\n2. Another line ends here."),
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random checkpoint of the released form in three files."""
    return synthetic.write(tmp_path_factory.mktemp("tiny") / "checkpoint", files=3)


@pytest.fixture(scope="session")
def own_truth(tiny: Path) -> Truth:
    """Answers of transformers' own classes, computed for every prompt separately."""
    style_tokens = 12
    tokens = Tokens(tiny)
    reference = Reference(checkpoint.load(tiny, "cpu", torch.float32), checkpoint.read_generation(tiny, tokens.end))
    digits = [token for text in prompts.DIGITS if (token := tokens.choice(text)) is not None]
    samples = []
    for seed, (human, answer) in enumerate(CONVERSATIONS):
        turns = [{"from": "human", "value": human}, {"from": "gpt", "value": answer}]
        item = Item(
            (picture(seed),), prompts.prefix(prompts.transcript(turns)), prompts.queries(style_tokens=style_tokens)
        )
        pixels = tuple(p for data in item.images if isinstance(p := decode(data, LIMIT), np.ndarray))
        *rated, styled = tokens.prompts(item.prompts(item.queries))
        logits = torch.stack([reference.logits(prompt, pixels) for prompt in rated])
        samples.append(
            Sample(
                *(item, pixels, logits[:, digits], tuple(logits.argmax(dim=-1).tolist()), logits.logsumexp(dim=-1)),
                tuple(reference.generate(styled, pixels, style_tokens)),
            )
        )
    return Truth(tiny, tuple(samples), style_tokens)


@pytest.fixture(scope="session")
def shared_truth() -> Truth:
    """Answers of the reference code."""
    folder = SHARED / "sidecar"
    if not folder.is_dir():
        pytest.skip("../shared is absent")
    return Truth(folder / "checkpoint", tuple(truth.read(folder)), truth.STYLE_TOKENS)


@pytest.fixture(scope="session", params=["own", "shared"], name="truth")
def _truth(request: pytest.FixtureRequest) -> Truth:
    return request.getfixturevalue(f"{request.param}_truth")


@pytest.fixture(scope="session")
def load(tiny: Path) -> Callable[..., Engine]:
    """Returns a function that loads an engine with the tiny checkpoint as both models."""

    def loaded(directory: Path = tiny, **options: Any) -> Engine:
        directories = {"scorer": directory, "styler": directory}
        return Engine.load(
            EngineConfig(**{"directories": directories, "device": "cpu", "dtype": "fp32", "threads": 2, **options})
        )

    return loaded


@pytest.fixture(scope="session")
def engine(load: Callable[..., Engine]) -> Engine:
    return load()
