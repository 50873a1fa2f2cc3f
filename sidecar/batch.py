"""The state of a request in the engine. It is prepared on the host, computed pass by pass, and then answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.images import Pixels
from sidecar.jobs import Job
from sidecar.packing import Pack
from sidecar.protocol import STOPPING, Choice, Fault, Item, ItemAnswers, Text

JobImages = tuple[Job, list[Pixels]]
"""A job and its images."""


@dataclass(frozen=True)
class PassPlan:
    """The jobs of one forward pass, and their positions in it."""

    jobs: tuple[JobImages, ...]
    pack: Pack


@dataclass(eq=False)
class Batch:
    """One request: its items, the passes of each model that have not begun, and the answers so far."""

    items: Sequence[Item]
    failed: dict[int, Fault]
    flags: Mapping[int, tuple[str, ...]]
    passes: dict[str, list[PassPlan]]
    answers: dict[tuple[int, int], Choice | Text] = field(default_factory=dict)
    """Each answer, by the indexes of its item and of its query."""
    waiting: int = 0
    """Number of rows of text that are not decoded yet."""
    computed: bool = False
    """Whether no pass of the request is left to compute."""
    error: Exception | None = None
    """The error of the whole request; None if it has not failed."""

    @property
    def done(self) -> bool:
        """Whether the request has all of its answers, or has failed."""
        return self.error is not None or (self.computed and self.waiting == 0)

    def outcomes(self) -> list[ItemAnswers | Fault]:
        """Returns the answers or the fault of each item, in order. Raises `error` if the request failed."""
        if self.error is not None:
            raise self.error
        return [self.failed.get(k) or self._answered(k, item) for k, item in enumerate(self.items)]

    def _answered(self, k: int, item: Item) -> ItemAnswers | Fault:
        answers = [self.answers.get((k, q)) for q in range(len(item.queries))]
        whole = tuple(answer for answer in answers if answer is not None)
        if len(whole) < len(answers):
            return Fault(STOPPING, "the service stopped before the item was answered; send it again")
        return ItemAnswers(whole, self.flags[k])
