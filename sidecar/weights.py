"""Tensors of safetensors files, read in ranges that are on their way together.

A disk or a bucket that is far away gives one reader a fraction of its throughput. What is read ahead is bounded.
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
"""Bytes of tensors that are held or on their way, unless one alone has more."""
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
    """Where a tensor lies in its file."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    size: int


def stored(path: Path) -> list[Stored]:
    """The tensors of a file in the order in which they lie there. Its header was checked before."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    found = []
    for name, about in header.items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        if about["dtype"] not in TYPES:
            raise ValueError(f"reading {path}: {name} is {about['dtype']}, and only {', '.join(TYPES)} are known")
        found.append(Stored(name, TYPES[about["dtype"]], tuple(about["shape"]), 8 + length + begin, end - begin))
    return sorted(found, key=lambda one: one.start)


def read(path: Path, names: Collection[str], pinned: bool = False) -> Iterator[tuple[str, Tensor]]:
    """Those tensors of a file that are named, in the order of the file, each read once.

    `pinned` is for tensors that go to a GPU. Raises OSError where the file is shorter than its header says.
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
            raise OSError(f"the file ends {len(view) - done} bytes before its header says")
        done += count


def _arrived(one: Stored, buffer: Tensor, reads: list[Future[None]]) -> tuple[str, Tensor]:
    for future in reads:
        future.result()
    return one.name, buffer.view(one.dtype).reshape(one.shape)
