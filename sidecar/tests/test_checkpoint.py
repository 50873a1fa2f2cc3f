"""Checkpoints: names and shapes are checked, and tensors are loaded one at a time, from any number of files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sidecar import checkpoint, weights
from sidecar.checkpoint import CheckpointError
from sidecar.tests.conftest import SHARED
from sidecar.tools import synthetic

TENSOR = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return synthetic.write(tmp_path / "copy")


def edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def load(folder: Path) -> Any:
    return checkpoint.load(folder, "cpu", torch.float32)


def test_released_names_and_shapes_on_meta_tensors() -> None:
    path = SHARED / "sidecar" / "released-tensors.tsv"
    if not path.exists():
        pytest.skip("../shared is absent")
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    stored = [(name, tuple(map(int, shape.split("x")))) for name, shape in rows]
    assert len(stored) == 765
    released = synthetic.config(synthetic.SEVEN, {}, 152064)
    network = checkpoint.skeleton(checkpoint.to_config(released))
    expected = checkpoint.released_shapes(network)
    checkpoint.account(stored, expected, 26)
    assert expected == dict(stored)
    checkpoint.place(network, ((name, torch.empty(shape, device="meta")) for name, shape in stored))
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(8.03e9, rel=1e-3)


def test_each_tensor_is_loaded_under_its_name(tiny: Path) -> None:
    network = load(tiny)
    stored = {name: t for path in checkpoint.weight_files(tiny) for name, t in load_file(path).items()}
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, stored.pop(checkpoint.released_name(name)))
    assert not stored
    assert not any(buffer.is_meta for buffer in network.buffers())


def test_several_files_are_one_checkpoint(tmp_path: Path, tiny: Path) -> None:
    whole = load(synthetic.write(tmp_path / "whole")).state_dict()
    parts = load(tiny).state_dict()
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(TENSOR), f"missing: {TENSOR} [128, 64]"),
        (
            lambda t: t.update({TENSOR: torch.zeros(64, 128)}),
            f"wrong shape: {TENSOR} is [64, 128], but must be [128, 64]",
        ),
        (lambda t: t.update({"model.extra": torch.zeros(2)}), "unknown: model.extra [2]"),
        (
            lambda t: t.update({"model.layers.3.mlp.up_proj.weight": torch.zeros(128, 64)}),
            "unknown: model.layers.3.mlp",
        ),
    ],
)
def test_an_invalid_tensor_is_named(
    copy: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str
) -> None:
    edit(copy, change)
    with pytest.raises(CheckpointError) as error:
        load(copy)
    assert message in str(error.value)


def test_all_faults_are_reported_together(copy: Path) -> None:
    edit(copy, lambda t: (t.pop(TENSOR), t.update({"a": torch.zeros(1)}), t.pop("lm_head.weight")))
    with pytest.raises(CheckpointError) as error:
        load(copy)
    assert all(part in str(error.value) for part in (TENSOR, "unknown: a", "missing: lm_head.weight"))


def test_tensors_that_the_reference_drops_are_ignored(copy: Path) -> None:
    tower = checkpoint.TOWER
    extra = {
        f"{tower}encoder.layers.2.mlp.fc1.bias": torch.zeros(3),
        f"{tower}head.probe": torch.zeros(1),
        f"{tower}embeddings.position_ids": torch.zeros(1, 729),
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(8),
    }
    edit(copy, lambda t: t.update(extra))
    load(copy)
    edit(copy, lambda t: t.update({f"{tower}encoder.layers.3.mlp.fc1.bias": torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r"layers\.3"):
        load(copy)


@pytest.mark.parametrize(
    "change",
    [
        {"architectures": ["LlavaOnevisionForConditionalGeneration"]},
        {"mm_projector_type": "linear"},
        {"mm_vision_select_layer": -1},
        {"tie_word_embeddings": True},
        {"rope_scaling": {"type": "yarn"}},
        {"hidden_size": None},
    ],
)
def test_another_architecture_is_refused(copy: Path, change: dict[str, Any]) -> None:
    config = json.loads((copy / "config.json").read_text()) | change
    (copy / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    with pytest.raises(CheckpointError, match=next(iter(change))):
        load(copy)


def test_the_error_names_absent_files(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(tiny, folder)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-00002-of-00003"):
        load(folder)
    (folder / checkpoint.INDEX).unlink()
    with pytest.raises(CheckpointError, match="2 safetensors files and no"):
        load(folder)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load(tmp_path)


def test_a_truncated_file_is_named(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load(copy)


def test_one_file_is_open_at_a_time(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    count = 0

    original = weights.read

    def counting(*args: Any) -> Any:
        nonlocal count
        count += 1
        at_once.append(count)
        yield from original(*args)
        count -= 1

    monkeypatch.setattr(weights, "read", counting)
    load(tiny)
    assert at_once == [1] * 3


def test_generation_config(copy: Path) -> None:
    assert checkpoint.read_generation(copy, 9).penalty == 1.05
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": 4, "temperature": 0.7}))
    assert checkpoint.read_generation(copy, 9) == checkpoint.Generation(1.0, frozenset([4]))
    (copy / "generation_config.json").unlink()
    assert checkpoint.read_generation(copy, 9) == checkpoint.Generation(1.0, frozenset([9]))


def test_null_in_the_generation_config_means_absent(copy: Path) -> None:
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": None, "repetition_penalty": None}))
    assert checkpoint.read_generation(copy, 9) == checkpoint.Generation(1.0, frozenset([9]))


@pytest.mark.parametrize(
    "config",
    [
        {"eos_token_id": "<|im_end|>"},
        {"eos_token_id": [4, None]},
        {"eos_token_id": []},
        {"eos_token_id": True},
        {"repetition_penalty": "1.05"},
        {"repetition_penalty": 0},
    ],
)
def test_an_invalid_generation_config_is_named(copy: Path, config: dict[str, Any]) -> None:
    (copy / "generation_config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=rf"generation_config\.json: {next(iter(config))} must be"):
        checkpoint.read_generation(copy, 9)


@pytest.mark.parametrize(
    "places",
    [
        None,
        ["model.safetensors"],
        {TENSOR: 7},
        {TENSOR: None},
        {TENSOR: ""},
        {TENSOR: "../copy/model.safetensors"},
        {TENSOR: "/etc/passwd"},
    ],
)
def test_an_invalid_index_is_named(copy: Path, places: Any) -> None:
    (copy / checkpoint.INDEX).write_text(json.dumps({"weight_map": places}))
    with pytest.raises(CheckpointError, match=r"index\.json: weight_map must"):
        checkpoint.weight_files(copy)


def test_a_folder_is_not_a_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(CheckpointError, match="has no safetensors file"):
        checkpoint.weight_files(tmp_path)


def test_digest_changes_with_each_file_that_can_change_answers(copy: Path) -> None:
    before = checkpoint.digest(copy)
    seen = {before}
    edit(copy, lambda t: t[TENSOR].view(-1)[:1].add_(1))
    seen.add(checkpoint.digest(copy))
    for name in ("config.json", "generation_config.json", "tokenizer.json"):
        (copy / name).write_text((copy / name).read_text() + " ")
        seen.add(checkpoint.digest(copy))
    assert len(seen) == 5
    (copy / "README.md").write_text("x")
    assert checkpoint.digest(copy) in seen
