"""Compiled kernels are kept for the next start with the same torch, GPU and code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from sidecar import kernels

CPU = torch.device("cpu")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The kernels that `restore` gave to torch."""
    given: list[bytes] = []
    monkeypatch.setattr(torch.compiler, "save_cache_artifacts", lambda: (b"kernels", None))
    monkeypatch.setattr(torch.compiler, "load_cache_artifacts", lambda data: given.append(data) or object())
    return given


def test_kernels_of_an_earlier_start_are_loaded(tmp_path: Path, cache: list[bytes]) -> None:
    folder = tmp_path / "new"
    assert not kernels.restore(folder, CPU) and not kernels.restore(None, CPU)
    kernels.keep(folder, CPU)
    assert kernels.restore(folder, CPU) and cache == [b"kernels"]
    assert [path.suffix for path in folder.iterdir()] == [".kernels"]


def test_kernels_are_saved_again_only_if_some_are_new(
    tmp_path: Path, cache: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.counters, "inductor", Counter())
    kernels.keep(tmp_path, CPU, restored=True)
    assert not list(tmp_path.iterdir())
    kernels.counters["inductor"]["fxgraph_cache_miss"] += 1
    kernels.keep(tmp_path, CPU, restored=True)
    assert kernels.restore(tmp_path, CPU)


@pytest.mark.parametrize("part", ["torch", "code"])
def test_kernels_of_another_torch_or_code_are_not_loaded(
    tmp_path: Path, cache: list[bytes], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    kernels.keep(tmp_path, CPU)
    if part == "torch":
        monkeypatch.setattr(torch, "__version__", "9.9")
    else:
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "model.py").write_text("changed")
        monkeypatch.setattr(kernels, "__file__", str(tmp_path / "code" / "kernels.py"))
    assert not kernels.restore(tmp_path, CPU) and cache == []


def test_without_a_valid_file_kernels_are_compiled_again(
    tmp_path: Path, cache: list[bytes], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kernels.keep(tmp_path, CPU)

    def broken(_: bytes) -> None:
        raise ValueError("of another machine")

    monkeypatch.setattr(torch.compiler, "load_cache_artifacts", broken)
    assert not kernels.restore(tmp_path, CPU) and "compiled again" in caplog.text
    (tmp_path / "file").write_text("")
    kernels.keep(tmp_path / "file", CPU)
    assert "saving the compiled kernels" in caplog.text
