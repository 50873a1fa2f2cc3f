"""LLaVA-form samples from a file, as items; for comparisons and benchmarks on a user's own samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sidecar.protocol import Item, Query
from sidecar.tokens import MARK
from sidecar.tools import prompts


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON array or of JSON lines."""
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def items(path: Path, images: Path, queries: Sequence[Query], limit: int) -> list[Item]:
    """At most `limit` samples, evenly spaced, of those that have exactly one image, as the reference takes them."""
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
    """Whether a record is of the reference's kind: exactly one image."""
    return isinstance(record.get("image"), str) and prompts.transcript(record["conversations"]).count(MARK) == 1
