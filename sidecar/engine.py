"""The engine: items in, answers out. It knows models and queries, and nothing of capabilities or HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sidecar.config import EngineConfig
from sidecar.images import Decoder
from sidecar.observer import Observer
from sidecar.protocol import STOPPING, Choice, Fault, Item, ItemAnswers, Text
from sidecar.runner import Runner

OFF_REFERENCE = "off_reference"
"""Flag of a sample that the reference code does not have: special-token text, `<image>` as text, no image, several."""


class Engine:
    """Answers items with the loaded models. Not thread-safe: one thread owns it."""

    def __init__(self, runners: Mapping[str, Runner], decoder: Decoder, observer: Observer) -> None:
        self._runners = dict(runners)
        self._decoder = decoder
        self._observer = observer

    @classmethod
    def load(cls, config: EngineConfig) -> Engine:
        """Load the models, and on a GPU compile and warm up every pack length. Raises CheckpointError."""
        decoder = Decoder(config.threads, config.limits.pixels, config.observer)
        runners = {name: Runner.load(path, config) for name, path in sorted(config.directories.items())}
        return cls(runners, decoder, config.observer)

    @property
    def runners(self) -> dict[str, Runner]:
        """Each loaded model at work."""
        return dict(self._runners)

    def models(self) -> dict[str, str]:
        """Id of each loaded model: changes with all that can change an answer."""
        return {name: runner.identity for name, runner in self._runners.items()}

    def run(self, items: Sequence[Item], stopping: Callable[[], bool] = lambda: False) -> list[ItemAnswers | Fault]:
        """Answer every item, in order; an item that cannot be answered has the fault that is its own.

        An answer depends on its item alone, within numeric tolerance. No pass begins after `stopping` is true: items
        that have no answers by then have the fault `stopping`.
        """
        failed: dict[int, Fault] = {}
        jobs = {name: runner.prepare(items, name, failed) for name, runner in self._runners.items()}
        for k, item in enumerate(items):
            missing = sorted({query.model for query in item.queries} - self._runners.keys())
            if missing:
                failed[k] = Fault(
                    "no_such_model", f"{', '.join(missing)} is not loaded here, only {', '.join(self._runners)}"
                )
        pictures = self._decoder.start({k: item.images for k, item in enumerate(items) if k not in failed})
        answers: dict[tuple[int, int], Choice | Text] = {}
        try:
            for name, runner in self._runners.items():
                valid = [job for job in jobs[name] if job.item not in failed]
                answers |= runner.run(valid, pictures, failed, stopping)
            for k, item in enumerate(items if stopping() else ()):
                if k not in failed and any((k, q) not in answers for q in range(len(item.queries))):
                    failed[k] = Fault(STOPPING, "the service stopped before the item was answered; send it again")
            # An item that asks nothing has nothing that would wait for its images.
            for k in range(len(items)):
                if k not in failed and isinstance(fault := pictures.of(k), Fault):
                    failed[k] = fault
        finally:
            pictures.drop()
        self._observer.samples(len(items) - len(failed))
        return [failed[k] if k in failed else self._answered(k, item, answers) for k, item in enumerate(items)]

    def _answered(self, k: int, item: Item, answers: Mapping[tuple[int, int], Choice | Text]) -> ItemAnswers:
        texts = [*item.pieces(), *(query.text for query in item.queries)]
        off = any(runner.tokens.off_reference(text) for runner in self._runners.values() for text in texts)
        flags = (OFF_REFERENCE,) if off or len(item.images) != 1 else ()
        return ItemAnswers(tuple(answers[k, q] for q in range(len(item.queries))), flags)
