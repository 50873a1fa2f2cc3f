"""Sizes are calculated from the device's free memory, unless the settings give them."""

from __future__ import annotations

import pytest

from sidecar.sizes import IN_FLIGHT, SLOW_IN_FLIGHT, Needs, choose

GIB = 1 << 30
SEVEN = Needs(position=240_517, cache=57_344)
"""The bytes of the released models in fp16."""


@pytest.mark.parametrize(
    ("free", "pack_tokens", "rows", "batch"),
    [
        (48 * GIB, 16384, 128, 64),  # 80 GB, both models in fp16
        (8 * GIB, 8192, 35, 32),
        (4 * GIB, 8192, 8, 32),  # an L4, both models in fp8
        (0, 8192, 8, 32),  # the longest prompt must fit: if memory runs out, passes are halved
        (None, 16384, 18, 32),
    ],
)
def test_sizes(free: int | None, pack_tokens: int, rows: int, batch: int) -> None:
    sizes = choose(SEVEN, free, longest=8192)
    in_flight = SLOW_IN_FLIGHT if free is None else IN_FLIGHT
    assert (sizes.pack_tokens, sizes.batch, sizes.in_flight) == (pack_tokens, batch, in_flight)
    assert sizes.rows == pytest.approx(rows, abs=1)
    assert sizes.kv_bytes >= 2 * 8192 * SEVEN.cache


@pytest.mark.parametrize("free", [6 * GIB, 12 * GIB, 24 * GIB, 48 * GIB, 120 * GIB])
def test_the_planned_sizes_fit_into_the_memory(free: int) -> None:
    sizes = choose(SEVEN, free, longest=2048)
    assert sizes.pack_tokens * SEVEN.position + sizes.kv_bytes < free


def test_settings_are_kept() -> None:
    sizes = choose(SEVEN, 48 * GIB, 1000, pack_tokens=1024, kv_bytes=2 * GIB)
    assert (sizes.pack_tokens, sizes.kv_bytes, sizes.rows, sizes.batch) == (1024, 2 * GIB, 18, 32)


def test_a_slow_device_advises_few_concurrent_requests() -> None:
    sizes = choose(Needs(1000, 100), None, 1024)
    assert (sizes.rows, sizes.batch, sizes.in_flight) == (128, 32, 2)


def test_a_small_model_has_small_passes_only_if_memory_is_short() -> None:
    assert choose(Needs(1000, 100), 2 * GIB, 512).pack_tokens == 16384
    assert choose(Needs(100_000, 100), 3 * GIB, 512).pack_tokens == 4096
