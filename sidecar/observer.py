"""The interface for counts and times of the engine's work."""

from __future__ import annotations


class Observer:
    """Receives the events of the engine. This class ignores them; the service and the benchmark count them."""

    def samples(self, count: int) -> None:
        """`count` samples were answered."""

    def tokens(self, stage: str, count: int) -> None:
        """`count` positions were computed, padding included. `stage` is vision, prefill or styler (decoding)."""

    def shared(self, count: int) -> None:
        """`count` positions were not computed, because the prompts of a sample share a prefix."""

    def packed(self, fill: float) -> None:
        """A pack was computed; `fill` is the share of its positions that hold tokens, 0 to 1."""

    def seconds(self, stage: str, seconds: float) -> None:
        """A stage took `seconds`. It is one of the stages of `tokens`, or decode (an image was decoded in the pool's
        threads), or idle (the caller waited for these threads)."""

    def split(self) -> None:
        """A pack was split because the device's memory ran out."""

    def padding(self, count: int) -> None:
        """`count` positions of a pack were padding."""

    def rows(self, count: int) -> None:
        """`count` rows of text were decoded together."""

    def step(self) -> None:
        """One decoding step of all rows of a batch was computed."""

    def loaded(self, seconds: float) -> None:
        """The weights of a model were read and copied to the device in `seconds`."""

    def compiled(self, seconds: float) -> None:
        """The passes of a model were compiled and run once in `seconds`."""

    def fallback(self, path: str, reason: str) -> None:
        """A fast path is not used because it failed its check."""
