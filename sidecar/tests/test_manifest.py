"""With a manifest the weights are read only once, and a file that has changed is hashed again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar import checkpoint, manifest
from sidecar.tools import manifest as tool
from sidecar.tools import synthetic


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return synthetic.write(tmp_path / "copy", files=2)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed."""
    names: list[str] = []
    original = manifest.digest
    monkeypatch.setattr(manifest, "digest", lambda path: (names.append(path.name), original(path))[1])
    return names


def test_weights_with_a_manifest_are_not_hashed(copy: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkpoint.digest(copy)
    monkeypatch.setattr(sys, "argv", ["manifest", str(copy)])
    tool.main()
    hashed.clear()
    assert checkpoint.digest(copy) == before, "the id of a model is the same with and without"
    assert hashed and not any(name.endswith("safetensors") for name in hashed)


def touch(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2, len(data), 100):  # like training, this changes weights in all parts of the file
        data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: touch(folder / "model-00001-of-00002.safetensors"),
        lambda folder: (folder / manifest.NAME).write_text("{"),
        lambda folder: (folder / manifest.NAME).write_text(json.dumps({"version": 0, "files": {}})),
        lambda folder: (folder / manifest.NAME).write_text(json.dumps({"version": 1, "files": {"x": 3}})),
    ],
    ids=["other weights", "no JSON", "another version", "other files"],
)
def test_an_outdated_manifest_is_not_used(copy: Path, change: Callable[[Path], object]) -> None:
    manifest.write(copy, checkpoint.weight_files(copy))
    change(copy)
    by_manifest = checkpoint.digest(copy)
    (copy / manifest.NAME).unlink()
    assert by_manifest == checkpoint.digest(copy)
