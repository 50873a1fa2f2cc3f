"""The interface for counts and times of the engine's work."""

from __future__ import annotations


class Observer:
    """Receives the events of the engine. This class ignores them; the service and the benchmark count them."""

    def samples(self, count: int) -> None:
        """Samples were answered."""

    def tokens(self, stage: str, count: int) -> None:
        """Positions were computed, padding included. `stage` is vision, prefill or styler (decoding)."""

    def shared(self, count: int) -> None:
        """Positions were not computed, because the prompts of a sample share a prefix."""

    def packed(self, fill: float) -> None:
        """A pack was computed; `fill` is the share of its positions that hold tokens, 0 to 1."""

    def seconds(self, stage: str, seconds: float) -> None:
        """A stage took some seconds: a stage of `tokens`, decode (in the threads of the pool), or idle (waiting for
        them)."""

    def split(self) -> None:
        """A pack was split because the device's memory ran out."""

    def padding(self, count: int) -> None:
        """Positions of a pack held no token."""

    def rows(self, count: int) -> None:
        """Rows of text were decoded together."""

    def step(self) -> None:
        """One decoding step of all rows of a batch was computed."""

    def loaded(self, seconds: float) -> None:
        """The weights of a model were read and copied to the device."""

    def compiled(self, seconds: float) -> None:
        """The passes of a model were compiled and run once."""

    def fallback(self, path: str, reason: str) -> None:
        """A fast path is not used because it failed its check."""
