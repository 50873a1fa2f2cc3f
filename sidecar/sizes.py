"""Chooses the sizes of passes, batches of rows and requests: from the settings, or else from the free memory."""

from __future__ import annotations

from dataclasses import dataclass

LENGTHS = (16384, 8192, 4096, 2048)
"""Possible positions of a pass. Longer passes are not faster, and each length is compiled once."""
KV_BYTES = 2 << 30
"""Bytes of keys and values, if the free memory of the device is not known."""
ROWS = 128
"""The most rows of text that are decoded together."""
ROW = 1024
"""Positions of a usual row. While rows are joined into one cache, each row is in memory twice."""
RESERVE = 3 << 29
"""Bytes for the activations of the tower, for libraries and for fragmentation."""
SHARE = 0.9
"""The share of the free memory that passes and rows may use, together with RESERVE."""
BATCH = (32, 64)
"""The least and the most items of a request."""
IN_FLIGHT = 4
"""Concurrent requests of a client: two whose rows are decoded together, and the two that follow."""
SLOW_IN_FLIGHT = 2
"""Concurrent requests of a client on a slow device. With more, a request would wait longer than clients allow."""


@dataclass(frozen=True)
class Needs:
    """The bytes of one position of a model."""

    position: int
    """Bytes of a position in a pass."""
    cache: int
    """Bytes of the keys and values of a position."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of the work that is done together."""

    pack_tokens: int
    """The most positions of a pass."""
    kv_bytes: int
    """The most bytes of keys and values."""
    rows: int
    """The most rows of text that are decoded together."""
    batch: int
    """Items that a client should send in a request."""
    in_flight: int
    """Requests that a client should send concurrently."""


def choose(
    needs: Needs,
    free: int | None,
    longest: int,
    pack_tokens: int | None = None,
    kv_bytes: int | None = None,
) -> Sizes:
    """Chooses the sizes for a model. `free` is the device's free bytes after all models are loaded. Only one model runs
    at a time.

    `free` is None for a device that shares the machine's memory. A pass has at least `longest` positions, so that the
    longest prompt fits. If memory runs out in such a pass, the pass is halved.
    """
    position, cache = needs.position, needs.cache
    usable = None if free is None else max(int(SHARE * free) - RESERVE, 0)
    if pack_tokens is None:
        allowed = [n for n in LENGTHS if n >= longest] or [longest]
        fitting = (n for n in allowed if usable is None or n * position <= usable // 2)
        pack_tokens = next(fitting, allowed[-1])
    if kv_bytes is None:
        # One row must always fit. If memory runs out for several rows, they are halved, as passes are.
        left = KV_BYTES if usable is None else usable - pack_tokens * position
        kv_bytes = max(left, 2 * longest * cache)
    rows = max(min(ROWS, kv_bytes // (2 * ROW * cache)), 1)
    least, most = BATCH
    if usable is None:
        return Sizes(pack_tokens, kv_bytes, rows, least, SLOW_IN_FLIGHT)
    return Sizes(pack_tokens, kv_bytes, rows, min(max(rows // 2, least), most), IN_FLIGHT)
