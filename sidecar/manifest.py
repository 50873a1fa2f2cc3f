"""Hashes of a checkpoint's files, kept next to them, so that its weights are read once: to be loaded.

A model's id holds the hashes of its files. Without a manifest each start reads the weights a second time for them. An
entry is used only where the file still has its size and its probe: the hash of blocks that are spread over the file,
which training or converting changes. `python -m sidecar.tools.manifest` writes it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

NAME = "harvest-manifest.json"
VERSION = 1
BLOCKS, BLOCK = 64, 4096
"""How many blocks a probe has, and their bytes."""


def digests(directory: Path, files: Sequence[Path]) -> list[str]:
    """SHA-256 of each file: from the manifest where that is true of it, else by reading it. Files go concurrently."""
    entries = _read(directory / NAME)

    def one(path: Path) -> str:
        entry = entries.get(path.name)
        if entry is not None:
            if entry.get("bytes") == path.stat().st_size and entry.get("probe") == probe(path):
                return str(entry.get("sha256"))
            log.warning("%s has changed since %s was written; it is read to be hashed", path, NAME)
        return digest(path)

    with ThreadPoolExecutor(max(len(files), 1)) as pool:
        return list(pool.map(one, files))


def write(directory: Path, files: Sequence[Path]) -> Path:
    """Hash the files, and write the manifest."""
    with ThreadPoolExecutor(max(len(files), 1)) as pool:
        sums = list(pool.map(digest, files))
    entries = {
        path.name: {"bytes": path.stat().st_size, "probe": probe(path), "sha256": total}
        for path, total in zip(files, sums, strict=True)
    }
    target = directory / NAME
    scratch = directory / f"{NAME}.part"
    scratch.write_text(json.dumps({"version": VERSION, "files": entries}, indent=1), encoding="utf-8")
    scratch.replace(target)
    return target


def digest(path: Path) -> str:
    """SHA-256 of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def probe(path: Path) -> str:
    """SHA-256 of blocks from the first to the last byte of a file, evenly spaced."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        last = max(os.fstat(file.fileno()).st_size - BLOCK, 0)
        for k in range(BLOCKS):
            file.seek(last * k // (BLOCKS - 1))
            found.update(file.read(BLOCK))
    return found.hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("reading %s: %s; files are read to be hashed", path, error)
        return {}
    if not isinstance(found, dict) or found.get("version") != VERSION or not isinstance(found.get("files"), dict):
        log.warning("%s is no manifest of version %d; files are read to be hashed", path, VERSION)
        return {}
    return {name: entry for name, entry in found["files"].items() if isinstance(entry, dict)}
