"""Reads the tensors of safetensors files in concurrent ranges.

A single reader gets only a fraction of the throughput of a bucket or a remote disk. The read-ahead is bounded.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

THREADS = 16
RANGE = 32 << 20
"""Bytes of one read."""
AHEAD = 2 << 30
"""The most bytes of tensors that are in memory or being read, unless a single tensor is larger."""
TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "I64": torch.int64,
    "I32": torch.int32,
}


@dataclass(frozen=True)
class Stored:
    """The place of a tensor in its file."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    size: int


def stored(path: Path) -> list[Stored]:
    """Returns the places of the tensors of a file, in the order of the file. The caller has checked the header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    found = []
    for name, about in header.items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        if about["dtype"] not in TYPES:
            raise ValueError(f"reading {path}: {name} has type {about['dtype']}; known types: {', '.join(TYPES)}")
        found.append(Stored(name, TYPES[about["dtype"]], tuple(about["shape"]), 8 + length + begin, end - begin))
    return sorted(found, key=lambda one: one.start)


def read(path: Path, names: Collection[str], pinned: bool = False) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors of a file that have these names, in the order of the file. Each is read once.

    `pinned` is for tensors that are copied to a GPU. Raises OSError if the file is shorter than its header states.
    """
    with path.open("rb") as file, ThreadPoolExecutor(THREADS, thread_name_prefix="read") as pool:
        coming: deque[tuple[Stored, Tensor, list[Future[None]]]] = deque()
        held = 0
        for one in (one for one in stored(path) if one.name in names):
            while coming and held + one.size > AHEAD:
                held -= coming[0][0].size
                yield _arrived(*coming.popleft())
            buffer = torch.empty(one.size, dtype=torch.uint8, pin_memory=pinned)
            reads = [
                pool.submit(_fill, file.fileno(), one.start + begin, buffer[begin : begin + RANGE])
                for begin in range(0, one.size, RANGE)
            ]
            coming.append((one, buffer, reads))
            held += one.size
        while coming:
            yield _arrived(*coming.popleft())


def _fill(descriptor: int, start: int, target: Tensor) -> None:
    view = memoryview(target.numpy())
    done = 0
    while done < len(view):
        count = os.preadv(descriptor, [view[done:]], start + done)
        if count == 0:
            raise OSError(f"the file is {len(view) - done} bytes shorter than its header states")
        done += count


def _arrived(one: Stored, buffer: Tensor, reads: list[Future[None]]) -> tuple[str, Tensor]:
    for future in reads:
        future.result()
    return one.name, buffer.view(one.dtype).reshape(one.shape)
