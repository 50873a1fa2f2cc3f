"""Reads LLaVA-form samples from a file as items, for comparisons and benchmarks on a user's own samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sidecar.protocol import Item, Query
from sidecar.tokens import MARK
from sidecar.tools import prompts


def read(path: Path) -> list[dict[str, Any]]:
    """Returns the records of a file that holds a JSON array or JSON lines."""
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def items(path: Path, images: Path, queries: Sequence[Query], limit: int) -> list[Item]:
    """Returns at most `limit` samples, evenly spaced among the samples that have exactly one image."""
    records = [record for record in read(path) if usual(record)]
    spaced = records[:: -(-len(records) // limit)] if records else []
    return [
        Item(
            ((images / record["image"]).read_bytes(),),
            prompts.prefix(prompts.transcript(record["conversations"])),
            tuple(queries),
        )
        for record in spaced
    ]


def usual(record: dict[str, Any]) -> bool:
    """Returns whether a record has exactly one image, as the reference code requires."""
    return isinstance(record.get("image"), str) and prompts.transcript(record["conversations"]).count(MARK) == 1
