"""Tests the tensors of an fp8 checkpoint, its loading, and the difference of its answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sidecar import checkpoint, fp8
from sidecar.checkpoint import CheckpointError
from sidecar.engine import Engine
from sidecar.protocol import Choice, Item, ItemAnswers
from sidecar.tests.conftest import picture
from sidecar.tools import prompts
from sidecar.tools.compare import expected
from sidecar.tools.quantize import quantize


@pytest.fixture(scope="module")
def small(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fp8") / "checkpoint"
    quantize(tiny, target)
    return target


def kinds(folder: Path) -> dict[str, str]:
    return {name: kind for _, name, _, kind in checkpoint.headers(checkpoint.weight_files(folder))}


def test_only_the_decoders_projections_are_in_fp8(small: Path, tiny: Path) -> None:
    stored, before = kinds(small), kinds(tiny)
    quantised = {name for name, kind in stored.items() if kind == fp8.STORED}
    assert len(quantised) == 3 * 7 and all(name.startswith("model.layers.") for name in quantised)
    assert stored.keys() == before.keys() | {fp8.scale_name(name) for name in quantised}
    assert {kind for name, kind in stored.items() if name in before.keys() - quantised} == {"F16"}
    assert {stored[fp8.scale_name(name)] for name in quantised} == {"F32"}
    assert [p.name for p in checkpoint.weight_files(small)] == [p.name for p in checkpoint.weight_files(tiny)]


def test_a_weight_is_rounded_to_three_bits(small: Path, tiny: Path) -> None:
    name = "model.layers.1.mlp.down_proj.weight"

    def read(folder: Path, tensor: str) -> torch.Tensor:
        path = next(p for p, n, _, _ in checkpoint.headers(checkpoint.weight_files(folder)) if n == tensor)
        with safe_open(path, framework="pt") as opened:
            return opened.get_tensor(tensor).float()

    exact, rounded = read(tiny, name), read(small, name) * read(small, fp8.scale_name(name))
    assert ((exact - rounded).abs() <= exact.abs() * 2**-4 + exact.abs().amax(dim=1, keepdim=True) * 2**-10).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_layer_multiplies_in_fp8(small: Path, tiny: Path, dtype: torch.dtype) -> None:
    quantised, exact = (
        checkpoint.load(folder, "cpu", kind).model.language_model.layers[0].mlp.up_proj
        for folder, kind in ((small, dtype), (tiny, torch.float32))
    )
    hidden = torch.randn(50, 64)
    got, unrounded = quantised(hidden.to(dtype)).float(), exact(hidden)
    error = float((got - unrounded).norm() / unrounded.norm())
    assert 0.01 < error < 0.06, "a smaller error is not fp8, a larger error is a fault"


def test_answers_differ_little(small: Path, tiny: Path, load: Callable[..., Engine]) -> None:
    items = [Item((picture(1),), prompts.prefix("<image>\nWhat? Answer: That."), prompts.queries(style_tokens=3))]
    near, exact = (load(folder, dtype="bf16").run(items)[0] for folder in (small, tiny))
    assert isinstance(near, ItemAnswers) and isinstance(exact, ItemAnswers)
    pairs = [
        (a, b)
        for a, b in zip(near.answers, exact.answers, strict=True)
        if isinstance(a, Choice) and isinstance(b, Choice)
    ]
    assert len(pairs) == 14
    # Random weights are far more sensitive than trained weights. A wrong layer gives differences above 1.
    assert sum(abs(expected(a) - expected(b)) for a, b in pairs) / 14 < 0.75
    assert load(small).models() != load(tiny).models()


def test_an_existing_target_or_a_quantised_source_is_refused(small: Path, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="already quantised"):
        quantize(small, tmp_path / "again")
    with pytest.raises(FileExistsError):
        quantize(tiny, small)
    assert not (tmp_path / "again").exists()


def test_an_unknown_or_undeclared_quantisation_is_refused(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(small, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, fp8.SECTION: {"quant_method": "awq"}}))
    with pytest.raises(ValueError, match="awq"):
        checkpoint.load(folder, "cpu", torch.float16)
    del config[fp8.SECTION]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="weight_scale"):
        checkpoint.load(folder, "cpu", torch.float16)
