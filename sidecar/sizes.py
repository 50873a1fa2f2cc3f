"""How much is done together: what the settings say, else what the device's free memory allows."""

from __future__ import annotations

from dataclasses import dataclass

LENGTHS = (16384, 8192, 4096, 2048)
"""Positions of a pass. Longer passes are no faster, and each length is a compilation."""
KV_BYTES = 2 << 30
"""Keys and values where the device does not say how much memory is free."""
ROWS = 128
"""Rows of text that are decoded together at most."""
ROW = 1024
"""Positions of a usual row. While rows are joined into one cache, each is held twice."""
RESERVE = 3 << 29
"""Bytes for the tower's activations, the libraries and what is lost between blocks."""
SHARE = 0.9
"""Of the free memory, what is planned with."""
BATCH = (32, 64)
"""Items of a request, at least and at most."""
IN_FLIGHT = 4
"""Requests that a client has on their way: two whose rows are decoded together, and the two that follow."""
SLOW_IN_FLIGHT = 2
"""The same of a device that is slow, so that no request waits for longer than clients do."""


@dataclass(frozen=True)
class Needs:
    """Bytes that a position of a model takes: in a pass, and as keys and values."""

    position: int
    cache: int


@dataclass(frozen=True)
class Sizes:
    """Positions of a pass at most, bytes of keys and values, rows decoded together, and what clients should send:
    items of a request, and requests on their way."""

    pack_tokens: int
    kv_bytes: int
    rows: int
    batch: int
    in_flight: int


def choose(
    needs: Needs,
    free: int | None,
    longest: int,
    pack_tokens: int | None = None,
    kv_bytes: int | None = None,
) -> Sizes:
    """The sizes for a model on a device with `free` bytes once all models are loaded, of which one runs at a time.

    None is a device that shares the machine's memory. A prompt of `longest` positions fits a pass in any case; where
    that is more than the memory allows, passes are halved as they run out of it.
    """
    position, cache = needs.position, needs.cache
    usable = None if free is None else max(int(SHARE * free) - RESERVE, 0)
    if pack_tokens is None:
        allowed = [n for n in LENGTHS if n >= longest] or [longest]
        fitting = (n for n in allowed if usable is None or n * position <= usable // 2)
        pack_tokens = next(fitting, allowed[-1])
    if kv_bytes is None:
        # One row must fit, however little is left; without memory for it, rows are halved as passes are.
        left = KV_BYTES if usable is None else usable - pack_tokens * position
        kv_bytes = max(left, 2 * longest * cache)
    rows = max(min(ROWS, kv_bytes // (2 * ROW * cache)), 1)
    least, most = BATCH
    if usable is None:
        return Sizes(pack_tokens, kv_bytes, rows, least, SLOW_IN_FLIGHT)
    return Sizes(pack_tokens, kv_bytes, rows, min(max(rows // 2, least), most), IN_FLIGHT)
