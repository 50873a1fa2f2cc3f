"""Keeps the hashes of a checkpoint's files next to them, so that a start reads the weights only once.

The id of a model depends on the hashes of its files. Without a manifest, each start reads the weights a second time to
hash them. An entry is used only if the file still has the same size and the same probe. A probe is the hash of blocks
that are spread over the file; training or conversion changes it. `python -m sidecar.tools.manifest` writes a manifest.
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
"""The number of blocks of a probe, and the bytes of a block."""


def digests(directory: Path, files: Sequence[Path]) -> list[str]:
    """Returns the SHA-256 of each file. If the manifest has no valid entry for a file, the file is read.

    The files are read concurrently.
    """
    entries = _read(directory / NAME)

    def one(path: Path) -> str:
        entry = entries.get(path.name)
        if entry is not None:
            if entry.get("bytes") == path.stat().st_size and entry.get("probe") == probe(path):
                return str(entry.get("sha256"))
            log.warning("%s has changed since %s was written; the file is hashed again", path, NAME)
        return digest(path)

    with ThreadPoolExecutor(max(len(files), 1)) as pool:
        return list(pool.map(one, files))


def write(directory: Path, files: Sequence[Path]) -> Path:
    """Hashes the files and writes the manifest. Returns its path."""
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
    """Returns the SHA-256 of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def probe(path: Path) -> str:
    """Returns the SHA-256 of evenly spaced blocks of a file. They include its first and its last bytes."""
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
        log.warning("reading %s: %s; the files are hashed again", path, error)
        return {}
    if not isinstance(found, dict) or found.get("version") != VERSION or not isinstance(found.get("files"), dict):
        log.warning("%s is not a manifest of version %d; the files are hashed again", path, VERSION)
        return {}
    return {name: entry for name, entry in found["files"].items() if isinstance(entry, dict)}
