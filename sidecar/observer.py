"""Counts and times of what the engine computes."""

from __future__ import annotations


class Observer:
    """Receives what is computed, as it happens. This one ignores it; the service's metrics and the benchmark count."""

    def samples(self, count: int) -> None:
        """Samples answered."""

    def tokens(self, stage: str, count: int) -> None:
        """Positions computed, padding counted; `stage` is vision, prefill or styler (decoding)."""

    def shared(self, count: int) -> None:
        """Positions that separate passes would have computed and sharing a prefix did not."""

    def packed(self, fill: float) -> None:
        """Share of a pack's positions that hold tokens, 0 to 1."""

    def seconds(self, stage: str, seconds: float) -> None:
        """Seconds spent; decode counts the pool's threads, idle the waiting for them; the rest as in `tokens`."""

    def split(self) -> None:
        """A pack was split because the device's memory ran out."""

    def padding(self, count: int) -> None:
        """Positions of a pack that hold no token."""

    def rows(self, count: int) -> None:
        """Rows of text that were decoded together."""

    def step(self) -> None:
        """One decoding step of all rows together."""

    def loaded(self, seconds: float) -> None:
        """A model's weights were read and placed on the device."""

    def compiled(self, seconds: float) -> None:
        """A model's passes were compiled and tried."""

    def fallback(self, path: str, reason: str) -> None:
        """A fast path is not taken because it did not prove itself."""
