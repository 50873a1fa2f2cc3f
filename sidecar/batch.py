"""A request on its way through the engine: prepared on the host, computed pass by pass, and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.images import Pixels
from sidecar.jobs import Job
from sidecar.packing import Pack
from sidecar.protocol import STOPPING, Choice, Fault, Item, ItemAnswers, Text

Ready = tuple[Job, list[Pixels]]
"""A job and its images."""


@dataclass(frozen=True)
class Laid:
    """Jobs that go through one pass, and how they lie in it."""

    ready: tuple[Ready, ...]
    pack: Pack


@dataclass(eq=False)
class Batch:
    """One request's items, its passes by model, and what is known of its answers."""

    items: Sequence[Item]
    failed: dict[int, Fault]
    flags: Mapping[int, tuple[str, ...]]
    passes: dict[str, list[Laid]]
    answers: dict[tuple[int, int], Choice | Text] = field(default_factory=dict)
    waiting: int = 0
    """Rows of text that are not decoded yet."""
    computed: bool = False
    """Whether all passes that will be made have been made."""
    error: Exception | None = None
    """Why the request failed, if not because of an item."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.error is not None or (self.computed and self.waiting == 0)

    def outcomes(self) -> list[ItemAnswers | Fault]:
        """The items' answers or faults, in order. Raises what the request failed with."""
        if self.error is not None:
            raise self.error
        return [self.failed.get(k) or self._answered(k, item) for k, item in enumerate(self.items)]

    def _answered(self, k: int, item: Item) -> ItemAnswers | Fault:
        answers = [self.answers.get((k, q)) for q in range(len(item.queries))]
        whole = tuple(answer for answer in answers if answer is not None)
        if len(whole) < len(answers):
            return Fault(STOPPING, "the service stopped before the item was answered; send it again")
        return ItemAnswers(whole, self.flags[k])
