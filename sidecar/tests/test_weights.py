"""Tensors that are read in ranges equal the tensors of safetensors' reader, and the read-ahead is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sidecar import weights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(1)
    tensors = {
        "a": torch.randn(300, 70, generator=generator),
        "b": torch.randn(5, generator=generator).half(),
        "empty": torch.empty(0, 4),
        "c": torch.randn(9, 9, generator=generator).bfloat16(),
        "d": torch.randn(64, 8, generator=generator).to(torch.float8_e4m3fn),
        "one": torch.tensor(3.5),
        "ids": torch.arange(4),
    }
    save_file(tensors, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


@pytest.mark.parametrize(("size", "ahead"), [(32 << 20, 2 << 30), (1000, 2 << 30), (7, 1)])
def test_tensors_equal_those_of_safetensors(path: Path, monkeypatch: pytest.MonkeyPatch, size: int, ahead: int) -> None:
    monkeypatch.setattr(weights, "RANGE", size)
    monkeypatch.setattr(weights, "AHEAD", ahead)
    expected = load_file(path)
    got = dict(weights.read(path, expected.keys()))
    assert got.keys() == expected.keys()
    for name, tensor in expected.items():
        assert got[name].dtype == tensor.dtype and got[name].shape == tensor.shape
        assert torch.equal(got[name].view(-1).view(torch.uint8), tensor.view(-1).view(torch.uint8))
    assert [name for name, _ in weights.read(path, {"b", "c"})] == sorted(
        {"b", "c"}, key=[one.name for one in weights.stored(path)].index
    )


def test_the_read_ahead_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = torch.empty

    def empty(*size: int, **options: object) -> torch.Tensor:
        made.append(1)
        return original(*size, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(weights, "AHEAD", 1)
    monkeypatch.setattr(weights.torch, "empty", empty)
    most = 0
    for k, _ in enumerate(weights.read(path, [one.name for one in weights.stored(path)])):
        most = max(most, sum(made) - k)
    assert most <= 3  # the tensor that is yielded, the next one, and the empty one


def test_a_file_that_is_too_short_is_an_error(path: Path) -> None:
    names = [one.name for one in weights.stored(path)]
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(OSError, match="3 bytes shorter"):
        list(weights.read(path, names))
